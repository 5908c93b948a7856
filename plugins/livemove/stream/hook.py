"""Kinesis Data Streams through Airflow's AWS connection: looks only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from livemove.runbook.errors import NeedsPerson, TryAgain

_PASSING = ("LimitExceededException", "ProvisionedThroughputExceededException", "ThrottlingException")
# A shard may be read five times a second (Kinesis Data Streams Developer Guide, "Quotas and Limits").
READ_PAUSE_SECONDS = 0.2
AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True)
class Shard:
    """A shard.

    :ivar parents: what it was made from by a split or a merge.
    :ivar is_open: whether it takes records.
    """

    id: str
    parents: tuple[str, ...]
    is_open: bool


@dataclass(frozen=True)
class Record:
    """A record as it was read.

    :ivar behind_ms: how far behind the end of the shard the read was that brought it.
    """

    sequence_number: str
    arrived_at: datetime
    data: bytes


class StreamHook(AwsBaseHook):
    """Kinesis. Errors come as TryAgain where the same call may work later, else as NeedsPerson.

    :param aws_conn_id: Airflow connection of type aws.
    """

    def __init__(self, aws_conn_id: str | None = "aws_default", **kwargs: Any) -> None:
        kwargs["client_type"] = "kinesis"
        super().__init__(aws_conn_id=aws_conn_id, **kwargs)

    def _get_config(self, config: Config | None = None) -> Config:
        found = super()._get_config(config)
        return found if found.retries else found.merge(Config(retries={"mode": "standard", "total_max_attempts": 5}))

    def retention_hours(self, stream: str) -> int:
        """How long a stream keeps its records."""
        answer = self._asked(stream, lambda: self.conn.describe_stream_summary(StreamName=stream))
        return int(answer["StreamDescriptionSummary"]["RetentionPeriodHours"])

    def shards(self, stream: str) -> list[Shard]:
        """All shards that still hold records."""
        found, more = [], {"StreamName": stream}
        while more:
            answer = self._asked(stream, lambda more=more: self.conn.list_shards(**more))  # type: ignore[misc]
            found += [_shard(each) for each in answer["Shards"]]
            more = {"NextToken": answer["NextToken"]} if answer.get("NextToken") else {}
        return found

    def open_shards(self, stream: str) -> list[str]:
        """Shards that take records."""
        return [shard.id for shard in self.shards(stream) if shard.is_open]

    def records(self, stream: str, shard: str, since: datetime, until: datetime) -> Iterator[list[Record]]:
        """Records of a shard that came in a span of time, read by read; ends at the end of the shard, too."""
        import time

        answer = self._asked(
            stream,
            lambda: self.conn.get_shard_iterator(
                StreamName=stream, ShardId=shard, ShardIteratorType="AT_TIMESTAMP", Timestamp=since
            ),
        )
        iterator = answer["ShardIterator"]
        while iterator:
            read = self._asked(stream, lambda at=iterator: self.conn.get_records(ShardIterator=at))  # type: ignore[misc]
            found = [
                Record(each["SequenceNumber"], each["ApproximateArrivalTimestamp"], each["Data"])
                for each in read["Records"]
            ]
            yield [record for record in found if record.arrived_at <= until]
            past = bool(found) and found[-1].arrived_at > until
            if past or (not found and not read.get("MillisBehindLatest")):
                return
            iterator = read.get("NextShardIterator")
            time.sleep(READ_PAUSE_SECONDS)

    def _asked(self, stream: str, work: Callable[[], AnswerT]) -> AnswerT:
        try:
            return work()
        except ClientError as error:
            detail = error.response["Error"]
            said = f"Kinesis stream {stream}: {detail['Code']}: {detail.get('Message', '')}"
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            if detail["Code"] in _PASSING or status >= 500:
                raise TryAgain(said) from error
            remedy = f"Check its name, and what AWS connection {self.aws_conn_id} may do."
            raise NeedsPerson(f"{said}. {remedy}") from error
        except (NoCredentialsError, NoRegionError) as error:
            raise NeedsPerson(f"Kinesis stream {stream}: {error} (AWS connection {self.aws_conn_id})") from error
        except BotoCoreError as error:
            raise TryAgain(f"Kinesis stream {stream}: {error}") from error


def _shard(given: dict[str, Any]) -> Shard:
    parents = tuple(given[key] for key in ("ParentShardId", "AdjacentParentShardId") if given.get(key))
    return Shard(given["ShardId"], parents, "EndingSequenceNumber" not in given["SequenceNumberRange"])
