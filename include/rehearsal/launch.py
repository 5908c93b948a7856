"""Write this process's own run file, then become the server: `python launch.py RUN_FILE COMMAND [ARG ...]`.

As the record is written before the server exists, no kill of `./dev` leaves a server that nobody knows of.
Run by path with nothing else imported, so that it costs a few milliseconds.
"""

from __future__ import annotations

import os
import sys


def start_ticks(pid: int | str) -> int:
    """When a process began, in clock ticks since boot; with its id this names it for good (proc(5), stat)."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
        return int(file.read().rpartition(")")[2].split()[19])


def main(run_file: str, command: list[str]) -> None:
    """Record this process in `run_file` and replace it by `command`."""
    with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:  # noqa: PTH123
        boot = file.read().strip()
    temporary = f"{run_file}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(f'{{"pid": {os.getpid()}, "started": {start_ticks("self")}, "boot": "{boot}"}}\n')
    os.replace(temporary, run_file)  # noqa: PTH105
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
