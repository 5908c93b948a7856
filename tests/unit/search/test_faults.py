"""Answers of the server become errors that say whether to try again, and else what to do."""

from __future__ import annotations

from typing import Any

import pytest

from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.search.faults import AlreadyThere, Flooded, NotThere, explain


def said(kind: str, reason: str, **cause: Any) -> dict[str, Any]:
    return {"error": {"type": kind, "reason": reason, **cause}}


FLOOD = "index [a] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block]"


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (404, said("index_not_found_exception", "no such index [a]"), NotThere, r"no such index \[a\]"),
        (400, said("resource_already_exists_exception", "index [a] already exists"), AlreadyThere, "already exists"),
        (429, said("circuit_breaking_exception", "[parent] Data too large"), TryAgain, "too large"),
        (429, said("cluster_block_exception", FLOOD), Flooded, "Free space"),
        (403, said("cluster_block_exception", FLOOD), Flooded, "Free space"),
        (503, said("master_not_discovered_exception", ""), TryAgain, "503"),
        (502, "<html>Bad gateway</html>", TryAgain, "Bad gateway"),
        (403, said("security_exception", "action [x] is unauthorized"), NeedsPerson, "privilege"),
        (401, said("security_exception", "missing credentials"), NeedsPerson, "privilege"),
        (400, said("media_type_header_exception", "Invalid"), NeedsPerson, "es_compat_with"),
        (400, said("x", "outer", caused_by={"type": "y", "reason": "inner"}), NeedsPerson, "outer: inner"),
        (500, said("repository_exception", "cannot create snapshot in a readonly repository"), NeedsPerson, "Register"),
        (503, said("concurrent_snapshot_execution_exception", "a snapshot is already running"), TryAgain, "running"),
        (500, {}, NeedsPerson, "no reason given"),
    ],
)
def test_an_answer_is_explained(status: int, body: Any, error: type[Exception], words: str) -> None:
    found = explain(status, body, "PUT /a", "search_default")
    assert type(found) is error
    with pytest.raises(error, match=words):
        raise found
    assert str(found).startswith("PUT /a on search_default: ")
