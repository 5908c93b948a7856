"""A sync file is read as it is meant, or refused with file, key, value and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from livemove.redshift.settings import Policies, choose_syncs, load_sync, sync_names
from livemove.runbook.errors import NeedsPerson
from livemove.runbook.include import SETTING
from tests.unit.redshift.samples import sync

MINIMAL = """
source: {writer_conn_id: writer, database: shop}
warehouse: {schema: shop}
lake: {bucket: a-bucket}
tables: {orders: }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "sync").mkdir()
    monkeypatch.setenv(SETTING, str(tmp_path))
    return tmp_path / "sync"


def _refusal(folder: Path, change: dict[str, Any]) -> str:
    """The error for a file that is minimal but for `change`, which is merged in by section."""
    document = yaml.safe_load(MINIMAL)
    for key, value in change.items():
        document[key] = (document.get(key) or {}) | value if isinstance(value, dict) else value
    path = folder / "shop.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    with pytest.raises(NeedsPerson) as refused:
        load_sync("shop")
    message = str(refused.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    assert "pydantic" not in message
    return message.removeprefix(f"{path}: ")


def test_a_minimal_file_has_careful_defaults(folder: Path) -> None:
    (folder / "shop.yaml").write_text(MINIMAL)
    settings = load_sync("shop")
    policies = settings.policies_for("orders", "any")
    assert (policies.zero_date, policies.too_long, policies.invalid_text) == ("reject", "reject", "reject")
    assert policies.utf8_in_latin1 == "reject"
    assert settings.source.reading_conn_id == "writer"
    assert settings.warehouse.disk_guard.factor == 2.5
    assert settings.lake.keep_parts is False


def test_the_example_that_users_copy_is_valid() -> None:
    assert "nycflights13" in sync_names()
    assert list(load_sync("nycflights13").tables) == ["flights", "weather", "planes", "airports", "airlines"]


def test_files_are_listed_by_name_without_being_read(folder: Path) -> None:
    for name in ("b.yaml", "a.yaml", "notes.txt"):
        (folder / name).write_text("{broken")
    assert sync_names() == ["a", "b"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"warehous": {}}, "warehous: unknown key; did you mean 'warehouse'?"),
        ({"source": {"reader": "r"}}, "source.reader: unknown key; did you mean 'reader_conn_id'?"),
        ({"source": {"password": "x"}}, "source.password: unknown key; known keys here: "),
        ({"warehouse": {"shema": "x"}}, "warehouse.shema: unknown key; did you mean 'schema'?"),
        ({"warehouse": {"upkeep": {"vacum_to_percent": 9}}}, "did you mean 'vacuum_to_percent'?"),
        ({"tables": {"orders": {"keys": ["id"]}}}, "tables.orders.keys: unknown key; did you mean 'key'?"),
        (
            {"tables": {"columns": {"columns": {"key": {"renam": "x"}}}}},
            "tables.columns.columns.key.renam: unknown key; did you mean 'rename'?",
        ),
        ({"policies": {"zero_dates": "null"}}, "policies.zero_dates: unknown key; did you mean 'zero_date'?"),
        (
            {"tables": {"orders": {"columns": {"c": {"policies": {"to_long": "null"}}}}}},
            "tables.orders.columns.c.policies.to_long: unknown key; did you mean 'too_long'?",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_the_one_that_was_meant(
    folder: Path, change: dict[str, Any], message: str
) -> None:
    assert message in _refusal(folder, change)


@pytest.mark.parametrize(
    ("change", "place", "value"),
    [
        ({"tables": {"orders": {"mode": "merge"}}}, "tables.orders.mode", "'merge'"),
        ({"tables": {"orders": {"policies": {"zero_date": "epoch"}}}}, "tables.orders.policies.zero_date", "'epoch'"),
        ({"tables": {"orders": {"lookback_seconds": -1}}}, "tables.orders.lookback_seconds", "-1"),
        ({"tables": {"orders": {"lookback_seconds": 31 * 86400 + 1}}}, "lookback_seconds", "2678401"),
        ({"tables": {"orders": {"key": []}}}, "tables.orders.key", "[]"),
        ({"tables": {"orders": {"columns": {"c": {"max_bytes": 65536}}}}}, "columns.c.max_bytes", "65536"),
        ({"tables": {"orders": {"columns": {"c": {"max_bytes": 0}}}}}, "columns.c.max_bytes", "0"),
        ({"tables": {"x" * 65: None}}, "tables." + "x" * 65, "x" * 65),
        ({"tables": {"": None}}, "tables.", "''"),
        ({"source": {"datetime_zone": "Asia/Tokyo"}}, "source.datetime_zone", "'Asia/Tokyo'"),
        ({"source": {"datetime_zone": "-14:00"}}, "source.datetime_zone", "'-14:00'"),
        ({"source": {"datetime_zone": "+14:30"}}, "source.datetime_zone", "'+14:30'"),
        ({"source": {"datetime_zone": "+9:00"}}, "source.datetime_zone", "'+9:00'"),
        ({"source": {"reader_timeout_seconds": 0}}, "source.reader_timeout_seconds", "0"),
        ({"warehouse": {"iam_role": "admin"}}, "warehouse.iam_role", "'admin'"),
        ({"warehouse": {"iam_role": "arn:aws:iam::1:role/x"}}, "warehouse.iam_role", "arn:aws:iam::1:role/x"),
        ({"warehouse": {"schema": "注" * 43}}, "warehouse.schema", "127 bytes"),
        ({"warehouse": {"state_schema": "注" * 43}}, "warehouse.state_schema", "127 bytes"),
        ({"warehouse": {"disk_guard": {"factor": 0.5}}}, "warehouse.disk_guard.factor", "0.5"),
        ({"warehouse": {"disk_guard": {"kind": "ra4"}}}, "warehouse.disk_guard.kind", "'ra4'"),
        ({"warehouse": {"upkeep": {"vacuum_unsorted_percent": 101}}}, "vacuum_unsorted_percent", "101"),
        ({"warehouse": {"upkeep": {"vacuum_to_percent": 0}}}, "vacuum_to_percent", "0"),
        ({"lake": {"bucket": "A_Bucket"}}, "lake.bucket", "'A_Bucket'"),
        ({"lake": {"prefix": "/sync"}}, "lake.prefix", "'/sync'"),
        ({"lake": {"prefix": "sync/"}}, "lake.prefix", "'sync/'"),
        ({"lake": {"prefix": "a//b"}}, "lake.prefix", "'a//b'"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_place(
    folder: Path, change: dict[str, Any], place: str, value: str
) -> None:
    message = _refusal(folder, change)
    assert place in message
    assert value in message


@pytest.mark.parametrize("zone", ["+09:00", "-05:30", "+14:00", "-13:59", "+00:00"])
def test_an_offset_that_mysql_takes_is_taken(zone: str) -> None:
    assert sync(source={"datetime_zone": zone}).source.datetime_zone == zone


@pytest.mark.parametrize(
    "role",
    ["default", "arn:aws:iam::123456789012:role/copy", "arn:aws-cn:iam::123456789012:role/service-role/copy_1"],
)
def test_a_role_is_an_arn_or_the_cluster_s_default(role: str) -> None:
    assert sync(warehouse={"iam_role": role}).warehouse.iam_role == role


@pytest.mark.parametrize("missing", ["source", "warehouse", "lake", "tables"])
def test_a_missing_section_is_named(folder: Path, missing: str) -> None:
    document = yaml.safe_load(MINIMAL)
    del document[missing]
    (folder / "shop.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(NeedsPerson, match=rf"shop\.yaml: {missing}: this key is required"):
        load_sync("shop")


def test_a_file_without_tables_is_refused(folder: Path) -> None:
    (folder / "shop.yaml").write_text(MINIMAL.replace("{orders: }", "{}"))
    with pytest.raises(NeedsPerson, match=r"tables: .*at least 1 item"):
        load_sync("shop")


def test_a_table_that_stands_twice_is_refused(folder: Path) -> None:
    (folder / "shop.yaml").write_text(MINIMAL.replace("{orders: }", "\n  orders:\n  lines:\n  orders:\n"))
    with pytest.raises(NeedsPerson, match="'orders' stands twice, again in line 8"):
        load_sync("shop")


@pytest.mark.parametrize("setting", ["key", "sort_key"])
def test_a_column_that_stands_twice_in_a_key_is_refused(folder: Path, setting: str) -> None:
    message = _refusal(folder, {"tables": {"orders": {setting: ["a", "b", "a"]}}})
    assert message.startswith(f"tables.orders.{setting}: ")
    assert "a stands there more than once; keep one of each" in message


def test_two_tables_with_one_target_are_refused(folder: Path) -> None:
    message = _refusal(folder, {"tables": {"orders": None, "Orders": None}})
    assert "tables.Orders and tables.orders would both become 'orders' in Redshift" in message
    assert "`target`" in message
    message = _refusal(folder, {"tables": {"a": {"target": "X"}, "b": {"target": "x"}}})
    assert "tables.a and tables.b" in message


def test_appended_rows_cannot_be_reread(folder: Path) -> None:
    message = _refusal(folder, {"tables": {"orders": {"mode": "append", "watermark": "id", "lookback_seconds": 5}}})
    assert message.startswith("tables.orders: mode append would load reread rows twice; remove lookback_seconds")


def test_yaml_s_null_means_the_policy_of_that_name(folder: Path) -> None:
    (folder / "shop.yaml").write_text(MINIMAL + "policies: {zero_date: null, too_long: 'null', invalid_text: ~}\n")
    policies = load_sync("shop").policies
    assert (policies.zero_date, policies.too_long, policies.invalid_text) == ("null", "null", "null")


def test_a_policy_that_has_no_null_refuses_it(folder: Path) -> None:
    assert "policies.utf8_in_latin1: None does not fit" in _refusal(folder, {"policies": {"utf8_in_latin1": None}})


def test_a_column_s_policy_goes_before_its_table_s_and_that_before_the_file_s() -> None:
    settings = sync(
        {
            "t": {
                "policies": {"zero_date": "null", "too_long": "null"},
                "columns": {"c": {"policies": {"too_long": "truncate"}}},
            }
        },
        policies={"invalid_text": "replace", "zero_date": "reject"},
    )
    of_column, of_other = settings.policies_for("t", "c"), settings.policies_for("t", "d")
    assert (of_column.too_long, of_column.zero_date, of_column.invalid_text) == ("truncate", "null", "replace")
    assert (of_other.too_long, of_other.zero_date, of_other.invalid_text) == ("null", "null", "replace")


def test_a_column_s_policy_may_be_as_strict_as_the_default() -> None:
    settings = sync({"t": {"columns": {"c": {"policies": {"zero_date": "reject"}}}}}, policies={"zero_date": "null"})
    assert settings.policies_for("t", "c").zero_date == "reject"
    assert settings.policies_for("t", "d").zero_date == "null"


def test_a_key_s_policies_keep_what_maps_no_two_values_to_one() -> None:
    loose = Policies(
        zero_date="null", too_long="truncate", invalid_text="replace", utf8_in_latin1="decode", tinyint1="boolean"
    )
    exact = loose.for_key()
    assert (exact.zero_date, exact.too_long, exact.invalid_text) == ("reject", "reject", "reject")
    assert (exact.utf8_in_latin1, exact.tinyint1, exact.wide_decimal) == ("reject", "number", "text")
    assert Policies(utf8_in_latin1="keep").for_key().utf8_in_latin1 == "keep"


def test_schemas_are_kept_as_redshift_stores_them() -> None:
    settings = sync(warehouse={"schema": "Shop注", "state_schema": "LIVEMOVE"})
    assert (settings.warehouse.schema_name, settings.warehouse.state_schema) == ("shop注", "livemove")


def test_a_target_is_called_as_redshift_stores_it() -> None:
    settings = sync({"Orders": None, "注文": {"target": "JP_Orders"}})
    assert settings.target_of("Orders") == "orders"
    assert settings.target_of("注文") == "jp_orders"


def test_a_table_that_is_not_listed_is_refused_with_those_that_are() -> None:
    with pytest.raises(NeedsPerson, match="table 'order' is not listed; listed are: orders"):
        sync().table("order")


# -- what a run takes -----------------------------------------------------------------------------


@pytest.fixture
def two_files(folder: Path) -> Path:
    (folder / "a.yaml").write_text(MINIMAL.replace("orders", "apples"))
    (folder / "b.yaml").write_text(MINIMAL.replace("orders", "berries"))
    return folder


@pytest.mark.usefixtures("two_files")
def test_a_run_takes_all_files_unless_it_names_some() -> None:
    assert choose_syncs([], []) == ["a", "b"]
    assert choose_syncs(["b"], []) == ["b"]
    assert choose_syncs([], ["apples"]) == ["a", "b"]


@pytest.mark.usefixtures("two_files")
def test_a_run_cannot_take_what_no_file_has() -> None:
    with pytest.raises(NeedsPerson, match=r"param syncs: c is not in .*Known: a, b"):
        choose_syncs(["a", "c"], [])
    with pytest.raises(NeedsPerson, match=r"param tables: berries is in none of the files a\. Listed there: apples"):
        choose_syncs(["a"], ["apples", "berries"])


def test_a_broken_file_does_not_stop_the_choice_of_the_others(two_files: Path) -> None:
    (two_files / "b.yaml").write_text("{broken")
    assert choose_syncs([], ["cherries"]) == ["a", "b"]
    assert choose_syncs([], []) == ["a", "b"]


@pytest.mark.usefixtures("folder")
def test_a_run_without_any_file_says_where_one_belongs() -> None:
    with pytest.raises(NeedsPerson, match=r"sync holds no \.yaml file"):
        choose_syncs([], [])
