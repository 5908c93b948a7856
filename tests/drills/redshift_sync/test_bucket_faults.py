"""Somebody else writes into the sync's folder, or takes from it: nothing of it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from livemove.redshift import tables
from livemove.redshift.manifest import RECORD_NAME
from livemove.runbook.errors import NeedsPerson
from tests.fixtures.stack import BUCKET
from tests.fixtures.sync import SyncCase

ORDERS = "CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, note VARCHAR(20), version INT NOT NULL, KEY (version))"
BEFORE = [(1, "one", 1), (2, "two", 1)]


@pytest.fixture
def extracted(case: SyncCase) -> dict[str, Any]:
    """What a run has extracted, after another one was merged."""
    case.source(ORDERS, "INSERT INTO orders VALUES (1, 'one', 1), (2, 'two', 1)")
    case.configure({"orders": {"watermark": "version"}})
    case.copy("orders")
    case.source(
        "UPDATE orders SET note = 'changed', version = 2 WHERE id = 2", "INSERT INTO orders VALUES (3, 'new', 2)"
    )
    return case.extract("orders", "the run")


def part_of(case: SyncCase, extracted: dict[str, Any]) -> str:
    """The key of an extraction's only part."""
    [key] = [key for key in case.objects if key.startswith(extracted["folder"]) and key.endswith(".parquet")]
    return key


def is_refused(case: SyncCase, step: Callable[[], object], message: str) -> None:
    with pytest.raises(NeedsPerson, match=message):
        step()
    assert case.rows("orders") == BEFORE
    assert [line[1] for line in case.state] == [1]


def clearing_extract_completes_the_run(case: SyncCase) -> None:
    assert case.load("orders", case.extract("orders", "the run")).merged["rows"] == 2
    case.assert_same("orders")


@pytest.mark.parametrize("name", ["report.csv", "part-1.parquet", "old/part-0123abcd-00000.parquet"])
def test_a_foreign_object_in_the_folder_is_named_and_nothing_is_loaded(
    case: SyncCase, s3: Any, extracted: dict[str, Any], name: str
) -> None:
    key = extracted["folder"] + name
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"not ours")
    message = rf"s3://{BUCKET}/{key}: something else writes into the sync's folder.*`lake\.prefix`"
    is_refused(case, lambda: tables.stage(case.sync, "orders", extracted["folder"]), message)
    is_refused(case, lambda: case.extract("orders", "the run"), message)
    s3.delete_object(Bucket=BUCKET, Key=key)
    clearing_extract_completes_the_run(case)


def test_a_foreign_object_in_the_folder_of_a_run_to_come_is_never_deleted(
    case: SyncCase, s3: Any, extracted: dict[str, Any]
) -> None:
    for key in [key for key in case.objects if key.startswith(extracted["folder"])]:
        s3.delete_object(Bucket=BUCKET, Key=key)
    key = extracted["folder"] + "theirs"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"not ours")
    is_refused(case, lambda: case.extract("orders", "the run"), "something else writes")
    assert key in case.objects
    s3.delete_object(Bucket=BUCKET, Key=key)
    clearing_extract_completes_the_run(case)


@pytest.mark.parametrize("same_size", [True, False])
def test_a_part_that_somebody_else_wrote_again_is_refused(
    case: SyncCase, s3: Any, extracted: dict[str, Any], same_size: bool
) -> None:
    key = part_of(case, extracted)
    size = s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"]
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"x" * (size if same_size else size + 1))
    message = rf"s3://{BUCKET}/{key}: somebody else wrote this object.*clear the task `extract`"
    is_refused(case, lambda: tables.stage(case.sync, "orders", extracted["folder"]), message)
    # Clearing `extract` as the message says heals it: what was replaced is not ours to trust, so it is read again.
    clearing_extract_completes_the_run(case)


def test_a_part_that_was_removed_is_missed(case: SyncCase, s3: Any, extracted: dict[str, Any]) -> None:
    key = part_of(case, extracted)
    s3.delete_object(Bucket=BUCKET, Key=key)
    message = rf"s3://{BUCKET}/{key}: this part of table orders is gone.*Clear the task `extract`"
    is_refused(case, lambda: tables.stage(case.sync, "orders", extracted["folder"]), message)
    clearing_extract_completes_the_run(case)


@pytest.mark.parametrize("fate", ["removed", "replaced by one of the same size"])
def test_a_part_that_was_replaced_or_removed_after_its_proof_is_not_loaded(
    case: SyncCase, s3: Any, extracted: dict[str, Any], fate: str
) -> None:
    tables.stage(case.sync, "orders", extracted["folder"])
    key = part_of(case, extracted)
    if fate == "removed":
        s3.delete_object(Bucket=BUCKET, Key=key)
    else:
        size = s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"]
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x" * size)
    message = rf"s3://{BUCKET}/{key}: .*[Cc]lear the task `extract`"
    is_refused(case, lambda: tables.merge(case.sync, "orders", extracted["folder"]), message)
    assert case.rows("orders") == BEFORE
    clearing_extract_completes_the_run(case)


def test_a_part_of_another_attempt_is_not_loaded_with_the_others(
    case: SyncCase, s3: Any, extracted: dict[str, Any]
) -> None:
    key = part_of(case, extracted)
    late = f"{extracted['folder']}part-0123abcd-00000.parquet"
    s3.copy_object(Bucket=BUCKET, Key=late, CopySource={"Bucket": BUCKET, "Key": key})
    assert case.load("orders", extracted).merged["rows"] == 2
    case.assert_same("orders")


@pytest.mark.parametrize("step", ["stage", "merge"])
def test_a_record_that_was_removed_is_missed(case: SyncCase, s3: Any, extracted: dict[str, Any], step: str) -> None:
    s3.delete_object(Bucket=BUCKET, Key=extracted["folder"] + RECORD_NAME)
    message = r"extract\.json is gone\. Clear the task `extract` of orders"
    is_refused(case, lambda: getattr(tables, step)(case.sync, "orders", extracted["folder"]), message)
    clearing_extract_completes_the_run(case)


def test_after_its_merge_a_run_does_not_need_its_folder_any_more(
    case: SyncCase, s3: Any, extracted: dict[str, Any]
) -> None:
    case.load("orders", extracted)
    for key in [key for key in case.objects if key.startswith(extracted["folder"])]:
        s3.delete_object(Bucket=BUCKET, Key=key)
    again = case.load("orders", case.extract("orders", "the run"))
    assert (again.extracted.get("merged"), again.merged["rows"]) == (True, 2)
    assert [line[1] for line in case.state] == [1, 2]
    case.assert_same("orders")


def test_a_bucket_that_does_not_exist_is_named_by_the_check(case: SyncCase, extracted: dict[str, Any]) -> None:
    case.configure({"orders": {"watermark": "version"}}, lake={"bucket": "livemove-nowhere"})
    message = r"lake\.bucket: 'livemove-nowhere' cannot be listed by connection aws_default \(NoSuchBucket\)"
    is_refused(case, case.check, message)
    case.configure({"orders": {"watermark": "version"}})
    case.check()
    clearing_extract_completes_the_run(case)
