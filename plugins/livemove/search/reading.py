"""Reading all documents of an index as of one moment, page by page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from livemove.runbook.errors import TryAgain
from livemove.search import calls
from livemove.search.calls import Call
from livemove.search.comparison import Hit

if TYPE_CHECKING:
    from livemove.search.hook import SearchHook

KEEP_ALIVE: Final = "5m"
FIRST_DOCUMENTS: Final = 500
# index.max_result_window is 10,000 unless it is lowered.
MOST_DOCUMENTS: Final = 5_000
PAGE_BYTES: Final = 4_000_000


class _Hits(msgspec.Struct):
    hits: list[Hit]


class _Page(msgspec.Struct):
    hits: _Hits
    pit_id: str = ""


class Reader:
    """A point in time of an index (PIT), and pages of it.

    :param query: only documents that match; None for all.
    :param source: whether pages have the documents' content.
    :param shard: only one; None for all.
    """

    def __init__(
        self,
        hook: SearchHook,
        index: str,
        *,
        query: Mapping[str, Any] | None = None,
        source: bool = True,
        shard: int | None = None,
    ) -> None:
        self._hook = hook
        self.index = index
        self._query = query
        self._source = source
        self._shard = shard
        self._pit = ""

    def __enter__(self) -> Self:
        params = {"keep_alive": KEEP_ALIVE} | ({} if self._shard is None else {"preference": f"_shards:{self._shard}"})
        answer = self._hook.ask(Call("POST", calls.path(self.index, "_pit"), params))
        self._pit = str(answer["id"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._hook.ask(Call("DELETE", "/_pit", body={"id": self._pit}), retries=0)
        except Exception as fault:
            # It ends by itself after its time to live.
            self._hook.log.debug("The point in time stays: %s", fault)

    def pages(self, *, source: bool | None = None, part: tuple[int, int] | None = None) -> Iterator[list[Hit]]:
        """Documents in the order of their storage, the fastest there is.

        :param source: in the place of the reader's own.
        :param part: which of how many parts, for reading in parallel.
        """
        body: dict[str, Any] = {
            "size": FIRST_DOCUMENTS,
            "version": True,
            "_source": self._source if source is None else source,
            "sort": ["_shard_doc"],
            "track_total_hits": False,
            "query": dict(self._query) if self._query else {"match_all": {}},
        }
        if part is not None and part[1] > 1:
            body["slice"] = {"id": part[0], "max": part[1]}
        while True:
            body["pit"] = {"id": self._pit, "keep_alive": KEEP_ALIVE}
            page = self._page(Call("POST", "/_search", {"allow_partial_search_results": False}, body))
            self._pit = page.pit_id or self._pit
            hits = page.hits.hits
            if not hits:
                return
            yield hits
            body["search_after"] = hits[-1].sort
            body["size"] = _next_size(hits)

    def _page(self, call: Call) -> _Page:
        answer = self._hook.ask_bytes(call)
        try:
            return parsed(answer)
        except ValueError as error:
            raise TryAgain(f"{call.line()} on {self._hook}: the answer is no page of a search: {error}") from None


def parsed(answer: bytes) -> _Page:
    """A page of a search; the content of its documents stays as it is stored.

    :raises ValueError: it is none.
    """
    try:
        return msgspec.json.decode(answer, type=_Page)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # It refuses half a surrogate pair, which Elasticsearch stores. Such a page's documents count as parsed: where
        # the other index's do not, they differ in form only, and are looked at by id.
        found = json.loads(answer)
        for hit in found["hits"]["hits"]:
            if "_source" in hit:
                hit["_source"] = msgspec.Raw(json.dumps(hit["_source"]).encode())
        return msgspec.convert(found, type=_Page)


def _next_size(hits: list[Hit]) -> int:
    """So many documents that a page stays small in memory, judged by the last one's."""
    each = sum(len(bytes(hit.content)) for hit in hits[::50]) / len(hits[::50]) + 100
    return max(50, min(MOST_DOCUMENTS, int(PAGE_BYTES / each)))
