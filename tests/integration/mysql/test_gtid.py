"""GTID arithmetic agrees with the server's own functions, on each generation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livemove.mysql.errors import ServerError
from livemove.mysql.gtid import GtidSet
from livemove.mysql.hook import RdsMySqlHook
from tests.fixtures.mysql_servers import Servers
from tests.strategies.gtid import A, B, gtid_sets, gtid_texts

pytestmark = pytest.mark.every_mysql
ask_often = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def hook(servers: Servers) -> Iterator[RdsMySqlHook]:
    """One connection for all questions."""
    hook = servers.rds80.hook
    with hook.connection():
        yield hook


@pytest.fixture
def tags(mysql_version: str) -> bool:
    return mysql_version >= "9"


@ask_often
@given(data=st.data())
def test_subtraction_agrees_with_the_server(hook: RdsMySqlHook, tags: bool, data: st.DataObject) -> None:
    a, b = data.draw(gtid_sets(tags)), data.draw(gtid_sets(tags))
    # Its text, too: canonical form is the server's.
    assert str(a - b) == hook.value("SELECT GTID_SUBTRACT(%s, %s)", (str(a), str(b)))


@ask_often
@given(data=st.data())
def test_containment_agrees_with_the_server(hook: RdsMySqlHook, tags: bool, data: st.DataObject) -> None:
    a, b = data.draw(gtid_sets(tags)), data.draw(gtid_sets(tags))
    for smaller in (a, a & b):
        assert (smaller <= b) == bool(hook.value("SELECT GTID_SUBSET(%s, %s)", (str(smaller), str(b))))


@ask_often
@given(data=st.data())
def test_what_people_write_is_read_as_the_server_reads_it(hook: RdsMySqlHook, tags: bool, data: st.DataObject) -> None:
    text = data.draw(gtid_texts(tags))
    try:
        canonical = hook.value("SELECT GTID_SUBTRACT(%s, '')", (text,))
    except ServerError:
        with pytest.raises(ValueError, match="GTID"):
            GtidSet.parse(text)
    else:
        assert str(GtidSet.parse(text)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        f"{A}:5-3", f"{A}:1,,{B}:2,", f"{A}:0", f"{A}:0-5", f"{A}:", A, f"{A}:-1", f"{A}:9223372036854775806", f"{A}:9223372036854775807", f"{A}:1--2", f"{A} : 1 - 3 : 7 ", "1-5",
        f"{A}:1\n,\n{B}:2\n", f"{A}:01-007", f"{A}:1:1-1", f"{A}:2-9:1", f"{A}:5-0", ",", f"{A}::1",
    ],
)  # fmt: skip
def test_corners_of_the_grammar_are_read_as_the_server_reads_them(hook: RdsMySqlHook, text: str) -> None:
    check_corner(hook, text)


@pytest.mark.parametrize("text", [f"{A.replace('-', '')}:7", f"{{{A}}}:7", f"{A}:1-"])
def test_where_the_generations_differ_the_newer_one_is_followed(
    hook: RdsMySqlHook, mysql_version: str, text: str
) -> None:
    if mysql_version >= "9":
        check_corner(hook, text)


def check_corner(hook: RdsMySqlHook, text: str) -> None:
    try:
        canonical = hook.value("SELECT GTID_SUBTRACT(%s, '')", (text,))
    except ServerError:
        canonical = None
    try:
        ours: str | None = str(GtidSet.parse(text))
    except ValueError:
        ours = None
    assert ours == canonical


def test_the_servers_own_sets_are_read(servers: Servers) -> None:
    servers.rds80.root("CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)")
    hook = servers.rds80.hook
    assert hook.executed() == GtidSet.parse(f"{hook.server_uuid()}:1-2")
    assert hook.executed() <= hook.executed()
    assert not hook.purged()
