"""Fields of text files become values as COPY's rules say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.redshift import text
from rehearsal.redshift.columns import Column
from rehearsal.redshift.dialect.transfer import Copy
from rehearsal.redshift.records import read
from rehearsal.redshift.values import BadValueError, converter


def copy(*flags: str, form: str = "csv", **values: object) -> Copy:
    return Copy('"t"', (), "s3://a/b", form, frozenset(flags), dict(values))


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), st.integers(1, 20))
def test_a_truncated_text_is_the_longest_beginning_that_fits(value: str, length: int) -> None:
    convert = converter(Column("v", "varchar", length), copy("TRUNCATECOLUMNS", NULL="no such null"))
    kept = (convert(value.encode()) or b"").decode()
    assert value.startswith(kept)
    assert len(kept.encode()) <= length
    assert kept == value or len(value[: len(kept) + 1].encode()) > length


@pytest.mark.parametrize(
    ("value", "flags", "expected"),
    [
        (b"1.239", (), b"1.23"),
        (b"-1.239", (), b"-1.23"),
        (b"1.235", ("ROUNDEC",), b"1.24"),
        (b"7", (), b"7"),
        (b"", (), None),
    ],
)
def test_decimals_are_cut_or_rounded(value: bytes, flags: tuple[str, ...], expected: bytes | None) -> None:
    assert converter(Column("n", "numeric", precision=10, scale=2), copy(*flags))(value) == expected


def test_invalid_utf8_is_an_error_or_replaced_byte_by_byte() -> None:
    column = Column("v", "varchar", 10)
    with pytest.raises(BadValueError) as caught:
        converter(column, copy())(b"a\xff\xfe")
    assert caught.value.code == 1220
    assert converter(column, copy(ACCEPTINVCHARS="^"))(b"a\xff\xfe") == b"a^^"


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"])), min_size=2, max_size=2)
    )
)
def test_escaped_text_is_cut_where_it_was_put_together(rows: list[list[str]]) -> None:
    def escape(field: str) -> str:
        return field.replace("\\", "\\\\").replace("|", "\\|").replace("\n", "\\\n")

    body = "".join("|".join(map(escape, row)) + "|\n" for row in rows).encode()
    records = read(iter(_lines(body)), copy("ESCAPE", form="text"), ())
    expected = [[field.encode() for field in row] for row in rows]
    assert [record.fields for record in records] == expected


def _lines(body: bytes) -> list[bytes]:
    return [line + b"\n" for line in body.split(b"\n")[:-1]]


class Body:
    """A stream of one piece."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self, _: int) -> bytes:
        body, self._body = self._body, b""
        return body


COLUMNS = [Column("a", "int4"), Column("v", "varchar", 3)]


def test_a_row_number_leads_back_to_file_and_line() -> None:
    bad: list[text.LoadError] = []
    load = text.TextLoad(copy(IGNOREHEADER=1, MAXERROR=9), COLUMNS, bad)
    for name, body in (("one", b'h,h\n1,a\n2,toolong\n3,"a\nb"\n4,d\n'), ("two", b"h,h\n5,e\n")):
        assert list(load.chunks(Body(body), name))  # type: ignore[arg-type]
    assert [load.place(row) for row in (1, 2, 3, 4)] == [("one", 2), ("one", 4), ("one", 6), ("two", 2)]
    assert [(error.file, error.line, error.code) for error in bad] == [("one", 3, 1204)]


@pytest.mark.parametrize(("limit", "line"), [(0, 1), (1, 1), (2, 2), (3, 3)])
def test_reading_stops_at_the_bad_row_that_is_one_too_many(limit: int, line: int) -> None:
    load = text.TextLoad(copy(MAXERROR=limit), COLUMNS, [])
    with pytest.raises(text.LoadError) as caught:
        list(load.chunks(Body(b"1,toolong\n" * 5), "one"))  # type: ignore[arg-type]
    assert caught.value.line == line
