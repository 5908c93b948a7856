"""How long changes took from their commit to the stream, measured where it matters: before a snapshot."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.stream import points
from livemove.stream.contract import ContractError, decode_record
from livemove.stream.hook import StreamHook

log = logging.getLogger(__name__)

WINDOW = timedelta(seconds=60)
READS = 5


def greatest_delay(streams: StreamHook, stream: str, at: datetime) -> float:
    """The greatest time from commit to arrival among records that came shortly before a moment, in seconds.

    A few reads of each shard are looked at; 0 where nothing came.
    """
    worst = 0.0
    for shard in streams.shards(stream):
        try:
            for place, records in enumerate(streams.records(stream, shard.id, at - WINDOW, at)):
                worst = max(worst, *(_delay(each.data, each.arrived_at) for each in records), 0.0)
                if place + 1 >= READS:
                    break
        except (NeedsPerson, TryAgain) as problem:
            log.warning("The delay of %s before %s could not be measured: %s", shard.id, points.iso(at), problem)
    return worst


def _delay(data: bytes, arrived_at: datetime) -> float:
    try:
        header, _ = decode_record(data)
    except ContractError:
        return 0.0
    return (arrived_at - points.parse(header.oldest)).total_seconds() if header.oldest else 0.0
