"""The server's own list of procedures decides which one is called, and with what."""

from __future__ import annotations

from typing import Any

import pytest

from livemove.mysql.credentials import Credentials, Secret, struck_out
from livemove.mysql.procedures import catalog_of, choose, has
from livemove.runbook.errors import NeedsPerson

SOURCE: dict[str, Any] = {"host": "h", "port": 3306, "user": "u", "password": Secret("p'w"), "ssl": 1}


def test_arguments_follow_the_number_that_the_server_takes() -> None:
    rds = choose({"rds_set_external_master_with_auto_position": 6}, "set_source_auto_position", **SOURCE, delay=60)
    assert rds.arguments == ("h", 3306, "u", "p'w", 1, 60)
    aurora = choose({"rds_set_external_source_with_auto_position": 5}, "set_source_auto_position", **SOURCE)
    assert aurora.arguments == ("h", 3306, "u", "p'w", 1)
    old = {"rds_set_external_source_with_auto_position": 4, "rds_set_binlog_source_ssl": 1}
    assert choose(old, "set_source_auto_position", **SOURCE).arguments == ("h", 3306, "u", "p'w")
    by_position = choose({"rds_set_external_master": 7}, "set_source", **SOURCE, file="f", position=4)
    assert by_position.arguments == ("h", 3306, "u", "p'w", "f", 4, 1)


def test_the_newer_name_is_taken_where_both_are_there() -> None:
    both = {"rds_reset_external_master": 0, "rds_reset_external_source": 0}
    assert choose(both, "reset").procedure == "rds_reset_external_source"
    assert choose({"rds_reset_external_master": 0}, "reset").procedure == "rds_reset_external_master"
    assert has(both, "reset")
    assert not has(both, "start")


def test_what_cannot_be_passed_on_is_never_dropped() -> None:
    four = {"rds_set_external_source_with_auto_position": 4}
    with pytest.raises(NeedsPerson, match="no TLS switch"):
        choose(four, "set_source_auto_position", **SOURCE)
    assert choose(four, "set_source_auto_position", **{**SOURCE, "ssl": 0}).arguments[0] == "h"
    with pytest.raises(NeedsPerson, match="no delay"):
        choose({"rds_set_external_source_with_auto_position": 5}, "set_source_auto_position", **SOURCE, delay=5)


def test_what_is_not_known_is_left_to_a_person() -> None:
    with pytest.raises(NeedsPerson, match=r"no procedure mysql\.rds_start_replication"):
        choose({}, "start")
    with pytest.raises(NeedsPerson, match=r"takes 9 arguments; known are 7 \(host"):
        choose({"rds_set_external_master": 9}, "set_source", **SOURCE, file="f", position=4)


def test_a_call_is_shown_without_its_password() -> None:
    call = choose({"rds_set_external_master": 7}, "set_source", **SOURCE, file="it's", position=4)
    assert call.text() == "CALL mysql.rds_set_external_master('h', 3306, 'u', '***', 'it''s', 4, 1)"
    assert "p'w" not in repr(call)
    unset = choose({"rds_set_configuration": 2}, "set_configuration", name="binlog retention hours", value=None)
    assert unset.text() == "CALL mysql.rds_set_configuration('binlog retention hours', NULL)"


def test_the_catalog_counts_arguments_by_name() -> None:
    assert catalog_of([{"name": "RDS_Kill", "arguments": 1}]) == {"rds_kill": 1}


@pytest.mark.parametrize("password", ['it\'s "odd" \\ 100% %s', "plain", "\\'", "''"])
def test_secrets_are_struck_out_in_every_quoting(password: str) -> None:
    quoted = password.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"')
    for shape in (password, quoted, password.replace("'", "''"), password.replace("\\", "\\\\").replace("'", "''")):
        assert struck_out(f"near <{shape}> at line 1", (password,)) == "near <***> at line 1"


def test_credentials_do_not_show_their_password() -> None:
    assert "pw" not in repr(Credentials("u", "pw"))
    assert repr(Secret("pw")) == "'***'"
    assert struck_out("text", ("",)) == "text"
