"""What tests of index copies share: products, the steps in their order, and kills between calls."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from elasticsearch.helpers import bulk

from livemove.search import aliases, copying, indices, naming, snapshots, verifying
from livemove.search.calls import Call
from livemove.search.copying import Copier
from livemove.search.hook import SearchHook
from livemove.search.verifying import Side, Verification
from livemove.search.waiting import Progress, complete

log = logging.getLogger(__name__)
ALIAS = "products"
OLD = "products-20260101000000"
NEW = "products-20260102000000"
COPY = naming.restored_copy(NEW)
REPOSITORY = "livemove"
PREFIX = "products-"
SNAPSHOT = "products-20260102000000"
OLD_BODY: dict[str, Any] = {
    "settings": {"number_of_shards": 2, "number_of_replicas": 0},
    "mappings": {
        "properties": {"id": {"type": "long"}, "name": {"type": "keyword"}, "price": {"type": "keyword"}},
    },
}
NEW_BODY: dict[str, Any] = {
    "settings": {"number_of_shards": 3, "number_of_replicas": 0, "refresh_interval": "200ms"},
    "mappings": {"properties": {"id": {"type": "long"}, "name": {"type": "text"}, "price": {"type": "double"}}},
}


class Shop:
    """The live index, and a copy of it in the making."""

    def __init__(self, hook: SearchHook) -> None:
        self.hook = hook
        indices.create(hook, OLD, OLD_BODY, alias=ALIAS)
        aliases.add(hook, ALIAS, OLD)

    def fill(self, count: int, start: int = 0) -> None:
        """Write products with versions, as a loader does."""
        bulk(self.hook.client, (action(OLD, number) for number in range(start, start + count)), chunk_size=2000)
        self.refresh(OLD)

    def write(self, index: str, number: int, version: int, **changes: Any) -> None:
        """Write one product."""
        bulk(self.hook.client, [action(index, number, version, **changes)])

    def remove(self, index: str, number: int) -> None:
        """Delete one product as no loader would: without a marker."""
        self.hook.client.delete(index=index, id=str(number))
        self.refresh(index)

    def refresh(self, index: str) -> None:
        """Let searches see what was written."""
        self.hook.client.indices.refresh(index=index)

    def count(self, index: str) -> int:
        """Documents of an index."""
        self.refresh(index)
        return int(self.hook.client.count(index=index)["count"])

    # -- steps --------------------------------------------------------------------------------

    def snapshot(self, hook: SearchHook | None = None) -> Progress:
        """Take a snapshot of the live index."""
        used = hook or self.hook
        return done(lambda: snapshots.take(used, REPOSITORY, SNAPSHOT, OLD))

    def restore(self, hook: SearchHook | None = None) -> Progress:
        """Restore the copy."""
        used = hook or self.hook
        return done(lambda: snapshots.restore(used, REPOSITORY, SNAPSHOT, OLD, COPY))

    def create(self, hook: SearchHook | None = None, body: dict[str, Any] | None = None, **options: Any) -> None:
        """Create the new index."""
        values = {"alias": ALIAS, "source": COPY, "chunk_documents": 500, **options}
        indices.create(hook or self.hook, NEW, body or NEW_BODY, **values)

    def prepared(self, **options: Any) -> None:
        """All that comes before the copy."""
        self.snapshot()
        self.restore()
        self.create(**options)

    def copy(self, hook: SearchHook | None = None) -> Progress:
        """Copy all documents."""
        return done(copying.Copier(hook or self.hook, NEW, linger_seconds=1).step)

    def whole(self, hook: SearchHook | None = None) -> None:
        """Everything up to the swap."""
        self.snapshot(hook)
        self.restore(hook)
        self.create(hook)
        self.copy(hook)

    def verify(self, **options: Any) -> Verification:
        """Compare the two."""
        options = {"settle": verifying.pause(0.3), **options}
        return verifying.verify(Side(self.hook, OLD), Side(self.hook, NEW), **options)


def action(index: str, number: int, version: int | None = None, **changes: Any) -> dict[str, Any]:
    """A product as a bulk helper takes it."""
    product = {"id": number, "name": f"product {number}", "price": f"{number / 4:.2f}", **changes}
    return {
        "_index": index,
        "_id": str(number),
        "_version": 1000 + number if version is None else version,
        "_version_type": "external_gte",
        "_source": product,
    }


def done(step: Callable[[], Progress]) -> Progress:
    """Call a step until it is done."""
    return complete(step, timeout_seconds=120, poll_seconds=0.05)


def followed(copier: Copier, stop: Callable[[], bool], seconds: float = 60) -> Iterator[Progress]:
    """What a copier says, until something is so."""
    import time

    ends = time.monotonic() + seconds
    while not stop():
        assert time.monotonic() < ends
        yield copier.look()
        time.sleep(0.05)


class Killed(BaseException):
    """The worker is gone; nothing catches it."""


class MortalHook(SearchHook):
    """A hook whose worker dies at a call that changes something.

    :param call: which one, from 0.
    :param after: whether the server still gets that call.
    """

    def __init__(self, call: int, *, after: bool) -> None:
        super().__init__("elasticsearch_default")
        self._left = call
        self._after = after

    def ask(self, call: Call, *, retries: int | None = None) -> dict[str, Any]:
        """Count calls that change something."""
        if call.method == "GET" or call.path.endswith(("_pit", "_search", "_mget")):
            return super().ask(call, retries=retries)
        self._left -= 1
        if self._left < 0 and not self._after:
            raise Killed(call.line())
        answer = super().ask(call, retries=retries)
        if self._left < 0:
            raise Killed(call.line())
        return answer
