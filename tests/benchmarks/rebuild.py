"""A rebuild under load, step by step: `./dev bench rebuild --json`.

A writer makes 300 changes a second, in the stream of documents, twice, late and out of order as far as that goes; a
client searches through the alias every 50 ms. The copy alone is compared with the bare calls and with elasticdump by
`rebuild_copy`.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rehearsal.paths import REPOSITORY, Layout
from rehearsal.progress import say
from rehearsal.stack import Stack
from tests.benchmarks import rebuild_copy
from tests.fixtures.rebuild import ALIAS, IndexCase, Searcher, Writer
from tests.fixtures.search import Streams
from tests.fixtures.stack import BUCKET

SECONDS = 3600


def main(arguments: list[str]) -> int:
    """Run the benchmark; the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="./dev bench rebuild", description=__doc__)
    parser.add_argument("--docs", type=int, default=2_000_000, help="documents of the index (default: 2,000,000)")
    parser.add_argument("--rate", type=float, default=300, help="changes a second (default: 300)")
    parser.add_argument("--json", action="store_true", help="the default: the last line is JSON either way")
    options = parser.parse_args(arguments)
    stack = Stack("bench", Layout.default())
    stack.up({"elasticsearch", "kinesis", "s3"})
    copied = rebuild_copy.measure(stack, options.docs)
    with TemporaryDirectory() as folder:
        measured = _rebuilt(_case(stack, Path(folder)), options.docs, options.rate)
    print(json.dumps({"docs": options.docs, **copied, **measured}))
    return 0


def _case(stack: Stack, folder: Path) -> IndexCase:
    stack.elasticsearch.empty()
    mark = secrets.token_hex(4)
    streams = Streams(f"{mark}-changes", f"{mark}-documents", stack.kinesis.client(), stack.kinesis.endpoint_url)
    stack.kinesis.create_streams([streams.changes, streams.documents])
    include, loaders = folder / "include", folder / "loaders"
    include.mkdir()
    (include / "loader").symlink_to(REPOSITORY / "include" / "loader")
    os.environ |= {**stack.connections(), "LIVEMOVE_INCLUDE": str(include), "LIVEMOVE_LOADER_FOLDER": str(loaders)}
    case = IndexCase(stack, streams, include, loaders, f"s3://{BUCKET}/{mark}")
    case.configure()
    return case


def _rebuilt(case: IndexCase, docs: int, rate: float) -> dict[str, Any]:
    from livemove.search import naming

    try:
        writer = case.seed(docs, rate=rate)
        say(f"{docs:,} documents are indexed")
        writer.start()
        searcher = case.search()
        measured = _steps(case, naming.new_index(ALIAS, datetime.now(UTC)))
        return {**measured, **_proven(case, writer, searcher)}
    finally:
        case.stop()


def _steps(case: IndexCase, index: str) -> dict[str, Any]:
    from livemove.rebuild import swapping, verification
    from livemove.rebuild.waits import made
    from livemove.search.waiting import complete

    def take(*steps: str) -> float:
        began = time.monotonic()
        for step in steps:
            complete(made(ALIAS, index, step, {}), timeout_seconds=SECONDS, poll_seconds=0.5)
        taken = time.monotonic() - began
        say(f"{' and '.join(steps)}: {taken:.1f} s")
        return round(taken, 1)

    copy_s = take("restore", "reindex")
    catch_up_s = take("deploy_rewound_loader", "until_level")
    began = time.monotonic()
    found = verification.evidence(case.rebuild(index))
    verify_s = round(time.monotonic() - began, 1)
    say(found.markdown())
    found.raise_if_worse(max_age_seconds=SECONDS)
    done = swapping.swap(case.rebuild(index), case.live, index)
    say(done.text())
    return {
        "copy_under_load_s": copy_s,
        "catch_up_s": catch_up_s,
        "verify_s": verify_s,
        "swap_ms": done.paused_ms,
        "alias_ms": done.alias_ms,
    }


def _proven(case: IndexCase, writer: Writer, searcher: Searcher) -> dict[str, Any]:
    time.sleep(2)
    writer.stop()
    (live,) = case.alias()
    case.settle(live)
    searcher.stop()
    _, wrong = case.wrong_documents(writer)
    for each in [*searcher.errors[:3], *searcher.backwards[:3], *wrong[:3]]:
        say(each)
    return {
        "searches": searcher.searches,
        "search_errors": len(searcher.errors) + len(searcher.backwards),
        "wrong_documents": len(wrong),
    }
