"""A password is found in whatever form it has leaked."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.fixtures.leaks import leaks

PASSWORD = "a'b\"c\\d%s%(e"


@pytest.mark.parametrize(
    "text",
    [
        f"password={PASSWORD}",
        json.dumps({"extra": PASSWORD}),
        json.dumps(json.dumps([PASSWORD])),
        f"mysql://admin:{quote(PASSWORD, '')}@host",
        "CALL mysql.rds_set_external_source('h', 3306, 'u', 'a\\'b\\\"c\\\\d%s%(e')",
        repr({"password": PASSWORD}),
    ],
)
def test_every_form_of_a_password_is_found(tmp_path: Path, text: str) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "task.log").write_text(text, encoding="utf-8")
    assert leaks([tmp_path], ["another", PASSWORD]) == [f"{tmp_path}/log/task.log: password 1"]


def test_a_password_in_a_database_is_found(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "airflow.db") as database:
        database.execute("CREATE TABLE xcom (value TEXT)")
        database.execute("INSERT INTO xcom VALUES (?)", (json.dumps(PASSWORD),))
    assert leaks([tmp_path], [PASSWORD])


def test_what_holds_none_is_not_named(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("password=***", encoding="utf-8")
    assert leaks([tmp_path], [PASSWORD]) == []


def test_an_empty_folder_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="nothing to search"):
        leaks([tmp_path], [PASSWORD])
