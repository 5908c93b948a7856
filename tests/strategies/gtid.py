"""GTID sets, small enough to list and rich enough to meet every case."""

from __future__ import annotations

from hypothesis import strategies as st

from livemove.mysql.gtid import GtidSet

A = "aaaaaaaa-1111-2222-3333-444444444444"
B = "bbbbbbbb-1111-2222-3333-444444444444"
TAGS = ("", "audit", "_t1")


def _intervals(highest: int = 40) -> st.SearchStrategy[list[tuple[int, int]]]:
    first = st.integers(1, highest)
    return st.lists(st.tuples(first, st.integers(0, 6)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=5)


def gtid_sets(tags: bool = True) -> st.SearchStrategy[GtidSet]:
    """Any set of up to two servers.

    :param tags: with tags, too, which servers know from 8.3 on.
    """
    keys = st.tuples(st.sampled_from((A, B)), st.sampled_from(TAGS if tags else ("",)))
    return st.dictionaries(keys, _intervals(), max_size=5).map(GtidSet)


@st.composite
def gtid_texts(draw: st.DrawFn, tags: bool = True) -> str:
    """Sets as people and servers write them: in any order, overlapping, in either case, with spaces."""
    space = st.sampled_from(("", "", " ", "\n"))
    parts = []
    for _ in range(draw(st.integers(0, 4))):
        uuid = draw(st.sampled_from((A, B, A.upper())))
        words = [uuid]
        for first, last in draw(_intervals().filter(bool)):
            if tags and draw(st.booleans()):
                words.append(draw(st.sampled_from(("audit", "AUDIT", "_t1"))))
            words.append(draw(st.sampled_from((f"{first}-{last}", str(first), f"{first} - {last}"))))
        parts.append(draw(space) + f":{draw(space)}".join(words) + draw(space))
    return ",".join(parts)
