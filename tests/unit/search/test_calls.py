"""The text of a call is what is sent."""

from __future__ import annotations

import json

from livemove.search import calls

REINDEX = """\
POST /_reindex?wait_for_completion=false&slices=auto&requests_per_second=5000
{
  "conflicts": "proceed",
  "source": {
    "index": "products-2.restored",
    "size": 2000,
    "query": {
      "range": {
        "_seq_no": {
          "gte": 0,
          "lt": 1000
        }
      }
    }
  },
  "dest": {
    "index": "products-2",
    "version_type": "external_gte"
  }
}"""


def test_a_call_reads_as_a_console_takes_it() -> None:
    call = calls.reindex("products-2.restored", "products-2", 0, 1000, requests_per_second=5000)
    assert call.text() == REINDEX
    assert call.headers == {"X-Opaque-Id": "livemove:products-2:0-1000"}
    line, _, body = call.text().partition("\n")
    assert line == call.line()
    assert json.loads(body) == call.body


def test_no_limit_is_minus_one() -> None:
    assert calls.rethrottle("node:1", None).line() == "POST /_reindex/node:1/_rethrottle?requests_per_second=-1"
    assert calls.rethrottle("node:1", 0.5).params == {"requests_per_second": "0.5"}


def test_names_are_quoted_in_paths() -> None:
    assert calls.path("_snapshot", "my repo", "a/b") == "/_snapshot/my%20repo/a%2Fb"


def test_the_name_of_a_restored_copy_is_no_pattern() -> None:
    body = calls.restore_snapshot("r", "s", "old", "new$1").body
    assert body is not None
    assert body["rename_replacement"] == r"new\$1"
    assert body["include_aliases"] is False
    assert body["include_global_state"] is False
