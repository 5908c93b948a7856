"""Status, control and what is set aside, against moto's S3."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from loader.contract import timestamp
from loader.errors import LoaderError, StoppedError
from loader.progress import Status
from loader.runner import Start
from loader.state import State
from loader.times import now

BUCKET = "a-bucket"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def state(s3: Any) -> State:
    return State(s3, f"s3://{BUCKET}/some/prefix/", "products-1")


def tell(s3: Any, text: str) -> None:
    s3.put_object(Bucket=BUCKET, Key="some/prefix/products-1/control.json", Body=text.encode())


def test_objects_lie_below_the_name(s3, state):
    assert state.write_status({"a": 1})
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [
        "some/prefix/products-1/status.json"
    ]
    assert state.read_status() == {"a": 1}


def test_without_objects_there_is_no_checkpoint_and_nothing_is_asked(state):
    assert state.read_status() is None
    assert not state.control().paused()
    assert not state.control().stop


def test_a_pause_is_a_lease(s3, state):
    tell(s3, json.dumps({"pause_until": timestamp(now() + timedelta(seconds=60))}))
    assert state.control().paused()
    tell(s3, json.dumps({"pause_until": timestamp(now() - timedelta(seconds=1))}))
    assert not state.control().paused()
    tell(s3, json.dumps({"pause_until": None, "stop": True}))
    assert state.control().stop


@pytest.mark.parametrize("text", ["{", "[1]", '{"pause_until": "soon"}'])
def test_control_that_cannot_be_read_changes_nothing_that_was_asked_before(s3, state, text):
    tell(s3, json.dumps({"pause_until": timestamp(now() + timedelta(seconds=60))}))
    assert state.control().paused()
    tell(s3, text)
    assert state.control().paused()


def test_a_status_that_cannot_be_read_is_never_taken_for_a_fresh_start(s3, state):
    s3.put_object(Bucket=BUCKET, Key="some/prefix/products-1/status.json", Body=b"{")
    with pytest.raises(LoaderError, match=r"status\.json is no JSON"):
        state.read_status()
    with pytest.raises(LoaderError, match="cannot be read"):
        State(s3, "s3://no-such-bucket/x", "n").read_status()


def test_a_status_that_cannot_be_written_is_tried_again_later(s3):
    assert State(s3, "s3://no-such-bucket", "n").write_status({}) is False


def test_what_cannot_be_set_aside_holds_the_position_until_the_loader_is_stopped(s3):
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(StoppedError):
        State(s3, "s3://no-such-bucket", "n").set_aside("key", {}, stop)


@pytest.mark.parametrize("address", ["", "bucket/prefix", "s3://", "https://bucket"])
def test_an_address_that_is_none_is_refused(s3, address):
    with pytest.raises(LoaderError, match="--state"):
        State(s3, address, "n")


def test_a_checkpoint_counts_more_than_the_other_place(state):
    earlier = Status("products-1", "load", "s", [], "2026-11-22T08:00:00.000Z")
    earlier.finished("shardId-000000000000")
    state.write_status(earlier.as_json())
    status = Status("products-1", "load", "s", [], "checkpoint")
    Start("checkpoint", "latest").apply(status, state)
    assert status.start == "2026-11-22T08:00:00.000Z"
    assert status.shards["shardId-000000000000"].finished


def test_without_a_checkpoint_the_other_place_counts(state):
    status = Status("products-1", "load", "s", [], "checkpoint")
    Start("checkpoint", "2026-11-22T08:15:00Z").apply(status, state)
    assert (status.start, status.shards) == ("2026-11-22T08:15:00.000Z", {})


def test_a_named_place_counts_more_than_a_checkpoint(state):
    earlier = Status("products-1", "load", "s", [], "trim_horizon")
    earlier.finished("shardId-000000000000")
    state.write_status(earlier.as_json())
    status = Status("products-1", "load", "s", [], "x")
    Start("2026-11-22T08:15:00Z").apply(status, state)
    assert (status.start, status.shards) == ("2026-11-22T08:15:00.000Z", {})
