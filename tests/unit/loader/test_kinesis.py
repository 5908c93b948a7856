"""What Kinesis does on a bad day; kinesalite does not, so answers are played (botocore's Stubber checks their form)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import boto3
import pytest
from botocore.stub import ANY, Stubber

from loader.errors import LoaderError, StoppedError
from loader.kinesis import BUSY_SECONDS, POLL_SECONDS, ShardReader, put_records

AT = datetime(2026, 11, 22, 8, 15, tzinfo=UTC)
SHARD = "shardId-000000000000"


@pytest.fixture
def kinesis():
    client = boto3.client("kinesis", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def reader(client, **more):
    return ShardReader(client, "s", SHARD, **{"after": None, "start": "trim_horizon", **more})


def iterator(stubber, name, **place):
    expected = {"StreamName": "s", "ShardId": SHARD, **place}
    stubber.add_response("get_shard_iterator", {"ShardIterator": name}, expected)


def records(stubber, name, *numbers, following="next", behind=0):
    found = [
        {"SequenceNumber": number, "ApproximateArrivalTimestamp": AT, "Data": b"x", "PartitionKey": "k"}
        for number in numbers
    ]
    answer = {"Records": found, "MillisBehindLatest": behind} | ({"NextShardIterator": following} if following else {})
    stubber.add_response("get_records", answer, {"ShardIterator": name, "Limit": ANY})


def test_an_expired_iterator_is_taken_anew_behind_the_last_record(kinesis):
    client, stubber = kinesis
    iterator(stubber, "one", ShardIteratorType="TRIM_HORIZON")
    records(stubber, "one", "1", "2")
    stubber.add_client_error("get_records", "ExpiredIteratorException")
    iterator(stubber, "two", ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber="2")
    records(stubber, "two", "3")
    found = reader(client)
    assert [each.sequence_number for each in found.poll().records] == ["1", "2"]
    assert found.poll() is None
    assert [each.sequence_number for each in found.poll().records] == ["3"]


def test_an_iterator_that_expires_before_any_record_starts_where_it_started(kinesis):
    client, stubber = kinesis
    for name in ("one", "two"):
        iterator(stubber, name, ShardIteratorType="AT_TIMESTAMP", Timestamp=AT)
        if name == "one":
            stubber.add_client_error("get_records", "ExpiredIteratorException")
    records(stubber, "two", "1")
    found = reader(client, start=AT)
    assert found.poll() is None
    assert len(found.poll().records) == 1


def test_throttling_slows_polls_down_and_success_speeds_them_up_again(kinesis):
    client, stubber = kinesis
    iterator(stubber, "one", ShardIteratorType="TRIM_HORIZON")
    for _ in range(4):
        stubber.add_client_error("get_records", "ProvisionedThroughputExceededException")
        iterator(stubber, "one", ShardIteratorType="TRIM_HORIZON")
    for _ in range(30):
        records(stubber, "one", following="one")
    found = reader(client)
    assert found.pause == POLL_SECONDS
    for _ in range(4):
        assert found.poll() is None
    assert found.throttled == 4
    assert POLL_SECONDS < found.pause <= 2
    for _ in range(30):
        found.poll()
    assert found.pause == POLL_SECONDS


def test_a_shard_with_more_to_read_is_polled_sooner(kinesis):
    client, stubber = kinesis
    iterator(stubber, "one", ShardIteratorType="TRIM_HORIZON")
    records(stubber, "one", "1", behind=60_000)
    found = reader(client)
    assert found.poll().behind_ms == 60_000
    assert found.pause == BUSY_SECONDS


def test_a_closed_shard_ends_with_its_last_records(kinesis):
    client, stubber = kinesis
    iterator(stubber, "one", ShardIteratorType="TRIM_HORIZON")
    records(stubber, "one", "1", following=None)
    last = reader(client).poll()
    assert (last.ended, len(last.records)) == (True, 1)


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_a_stream_that_may_not_be_read_ends_the_reader(kinesis, code):
    client, stubber = kinesis
    stubber.add_client_error("get_shard_iterator", code)
    with pytest.raises(LoaderError, match="cannot be read"):
        reader(client).poll()


def test_a_position_that_the_stream_does_not_know_is_no_reason_to_wait(kinesis):
    client, stubber = kinesis
    stubber.add_client_error("get_shard_iterator", "InvalidArgumentException")
    with pytest.raises(LoaderError, match="made anew"):
        reader(client, after="17").poll()


def put_answer(stubber, data, failed=()):
    results = [
        {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow"}
        if each in failed
        else {"SequenceNumber": "1", "ShardId": SHARD}
        for each in data
    ]
    expected = {"StreamName": "s", "Records": [{"Data": each, "PartitionKey": ANY} for each in data]}
    stubber.add_response(
        "put_records", {"Records": results} | ({"FailedRecordCount": len(failed)} if failed else {}), expected
    )


def test_records_that_were_refused_are_sent_again_and_no_others(kinesis):
    client, stubber = kinesis
    put_answer(stubber, [b"a", b"b", b"c"], failed=[b"a", b"c"])
    put_answer(stubber, [b"a", b"c"], failed=[b"c"])
    stubber.add_client_error("put_records", "InternalFailure")
    put_answer(stubber, [b"c"])
    assert put_records(client, "s", [b"a", b"b", b"c"], threading.Event()) == 4


def test_requests_stay_below_the_limits_of_put_records(kinesis):
    client, stubber = kinesis
    large = [bytes([number]) * 900_000 for number in range(7)]
    put_answer(stubber, large[:5])
    put_answer(stubber, large[5:])
    put_records(client, "s", large, threading.Event())
    small = [b"x"] * 501
    put_answer(stubber, small[:500])
    put_answer(stubber, small[500:])
    put_records(client, "s", small, threading.Event())


def test_writing_ends_when_it_has_to_stop(kinesis):
    client, stubber = kinesis
    put_answer(stubber, [b"a"], failed=[b"a"])
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        put_records(client, "s", [b"a"], stop)
