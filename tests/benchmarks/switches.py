"""What the benchmarks of cutover and fall back share: a prepared chain, an application that writes, the audit.

`write_stop_seconds` is from the last acknowledgement of the old server to the first of the new one, as the writers
measured it. Figures are medians of the rounds; `lost` and `duplicated` are sums.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from livemove.migration.cutover_operators import switching
from livemove.migration.settings import Role
from livemove.migration.topology import Servers
from rehearsal.load.address import Address
from rehearsal.load.process import Load
from rehearsal.load.writer import Login
from rehearsal.stack import Stack
from tests.fixtures.chain import NAME, PreparedChain

ROUNDS, PER_SECOND, PROMOTION_SECONDS = 5, 500.0, 5.0
BEFORE_SECONDS, AFTER_WRITES = 5.0, 500


def run(arguments: list[str], name: str, switch: Callable[[Stack, Load], dict[str, Any]]) -> int:
    """Run a benchmark; the last line is one JSON object.

    :param switch: moves the application, and returns figures of its own.
    """
    parser = argparse.ArgumentParser(prog=f"./dev bench {name}")
    parser.add_argument("--json", action="store_true", help="the default: the last line is JSON either way")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--rate", type=float, default=PER_SECOND, help="transactions a second that are asked for")
    options = parser.parse_args(arguments)
    stack = Stack("bench")
    # They play no part here.
    pair = stack.mysql()
    pair.reader.stop()
    pair.writer.stop()
    stack.up({"rds", "s3"})
    chain = PreparedChain(stack, {"promote": PROMOTION_SECONDS})
    rounds = []
    with tempfile.TemporaryDirectory(prefix="livemove-") as folder:
        for number in range(options.rounds):
            chain.put_back()
            rounds.append(_round(stack, Path(folder) / f"{number}.log", options.rate, switch))
            print(f"  round {number + 1}: {json.dumps(rounds[-1])}", flush=True)
    print(json.dumps(_together(rounds)))
    return 0


def _round(stack: Stack, log: Path, rate: float, switch: Callable[[Stack, Load], dict[str, Any]]) -> dict[str, Any]:
    app = Login("app", stack.password("rds-application"), "shop")
    admin = Login("admin", stack.password("mysql-admin"), "shop")
    with Load(log, stack.s3.endpoint_url, app, admin=admin, rate=rate) as load:
        figures = switch(stack, load)
        load.stop()
        found = load.audit()
    if found.uncounted:
        raise AssertionError(f"{found.uncounted} transactions are there in part: {found}")
    return {
        "write_stop_seconds": found.write_stop_seconds,
        **figures,
        "acknowledged": found.acknowledged,
        "lost": found.lost,
        "duplicated": found.duplicated,
        "tx_per_s": found.tx_per_s,
    }


def moved(direction: Any, load: Load, to: Role) -> None:
    """Let the application write, move it, and let it write again."""
    time.sleep(BEFORE_SECONDS)
    servers = Servers.named(NAME)
    switching(servers, direction).run()
    load.await_writes(AFTER_WRITES, server=Address(*servers.endpoint(to)))


def _together(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    sums = ("acknowledged", "lost", "duplicated")
    return {
        key: sum(each[key] for each in rounds) if key in sums else round(median(each[key] for each in rounds), 3)
        for key in rounds[0]
    }
