"""SQL scripts are taken apart as MySQL's own client does it."""

from __future__ import annotations

import pytest

from rehearsal.mysql.script import statements
from rehearsal.mysql.template import FLAVOURS, scripts


def test_statements_end_at_the_delimiter_in_force() -> None:
    script = "-- why\nSELECT 1;\nDELIMITER //\nCREATE PROCEDURE p()\nBEGIN SELECT 2; END//\nDELIMITER ;\n\nSELECT\n3;\n"
    assert list(statements(script)) == [
        "SELECT 1",
        "CREATE PROCEDURE p()\nBEGIN SELECT 2; END",
        "SELECT\n3",
    ]


def test_a_statement_without_its_end_is_refused() -> None:
    with pytest.raises(ValueError, match="SELECT 1"):
        list(statements("SELECT 1\n"))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_scripts_of_every_flavour_are_complete(flavour: str) -> None:
    for path in scripts(flavour):
        assert list(statements(path.read_text()))
