"""Documents that the new mapping rejects: how many of a chunk, which, and why."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from elasticsearch.helpers import streaming_bulk

from livemove.search import calls
from livemove.search.chunks import Chunk
from livemove.search.reading import Reader

if TYPE_CHECKING:
    from livemove.search.hook import SearchHook

SHOWN: Final = 10


@dataclass
class Rejections:
    """What is known of the rejected documents of a chunk.

    :param chunk: that was looked through.
    :param count: rejected documents.
    :param shown: id and reason of the first ones.
    :param reasons: how many there are of each kind of reason.
    """

    chunk: Chunk
    count: int = 0
    shown: list[tuple[str, str]] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)

    def add(self, identifier: str, error: Mapping[str, Any] | str) -> None:
        """Count one."""
        reason = str(error) if isinstance(error, str) else ": ".join(dict.fromkeys(_reasons(error)))
        self.count += 1
        kind = re.sub(r"document with id '.*?'\.?", "a document.", reason).partition(" Preview of")[0]
        self.reasons[kind] = self.reasons.get(kind, 0) + 1
        if len(self.shown) < SHOWN:
            self.shown.append((identifier, reason))

    def text(self, index: str) -> str:
        """What a person needs to decide."""
        head = (
            f"The mapping of {index} rejects {self.count} of the {self.chunk.documents} documents of chunk "
            f"{self.chunk}; the copy stops there and nothing that is searched has changed."
        )
        kinds = [f"- {count} x {kind}" for kind, count in sorted(self.reasons.items(), key=lambda each: -each[1])]
        lines = [f"- {identifier}: {reason}" for identifier, reason in self.shown]
        remedy = (
            "Change mapping.json so that it takes them (`ignore_malformed`, another type) and start a new run, or "
            "mend the documents at their source."
        )
        return "\n".join([head, "Reasons:", *kinds[:SHOWN], f"The first {len(lines)}:", *lines, remedy])


def survey(hook: SearchHook, source: str, target: str, chunk: Chunk) -> Rejections:
    """Write one chunk document by document, and count what is rejected.

    `_reindex` ends at the first batch that has a failure, so its answer tells of a few only.
    """
    found = Rejections(chunk)
    answers = streaming_bulk(
        hook.client, _actions(hook, source, target, chunk), raise_on_error=False, chunk_size=1000, max_retries=3
    )
    for worked, answer in answers:
        told = answer["index"]
        # A conflict is a document that is there already.
        if not worked and told.get("status") != 409:
            found.add(told["_id"], told.get("error", {}))
    return found


def _actions(hook: SearchHook, source: str, target: str, chunk: Chunk) -> Iterator[dict[str, Any]]:
    with Reader(hook, source, query=calls.seq_no_range(chunk.low, chunk.high)) as reader:
        for page in reader.pages():
            for hit in page:
                action = {
                    "_op_type": "index",
                    "_index": target,
                    "_id": hit.id,
                    "_source": json.loads(bytes(hit.content)),
                    "version": hit.version,
                    "version_type": "external_gte",
                }
                yield action | ({"routing": hit.routing} if hit.routing else {})


def _reasons(error: Mapping[str, Any]) -> Iterator[str]:
    cause: Any = error
    while isinstance(cause, Mapping):
        yield str(cause.get("reason") or cause.get("type"))
        cause = cause.get("caused_by")
