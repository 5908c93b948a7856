"""Write this process's own run file, then become the loader: `python launch.py RUN_FILE COMMAND [ARG ...]`.

As the record is written before the loader exists, a worker that is killed leaves none that nobody knows of. Run by
its path, with nothing else imported.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def boot() -> str:
    """What differs after a restart of the machine, when process ids begin anew."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()


def started(pid: int | str) -> int | None:
    """When a process began, in ticks since boot (proc(5), stat); None if it has ended, as a zombie has."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def main(run_file: str, command: list[str]) -> None:
    """Record this process in `run_file` and replace it by `command`."""
    draft = Path(f"{run_file}.{os.getpid()}")
    draft.write_text(json.dumps({"pid": os.getpid(), "started": started("self"), "boot": boot()}), encoding="utf-8")
    draft.replace(run_file)
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
