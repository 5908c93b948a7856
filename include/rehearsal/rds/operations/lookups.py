"""Events, log files, tags, engine versions."""

from __future__ import annotations

import time
from typing import Any

from rehearsal.rds.operations.engines import VERSIONS
from rehearsal.rds.operations.groups import family_of
from rehearsal.rds.operations.registry import Parameters, operation
from rehearsal.rds.store import Record, identifier_of
from rehearsal.rds.wire import bad_combination, bad_value, fault
from rehearsal.rds.world import World

DEFAULT_EVENT_MINUTES = 60
ERROR_LOG = "error/mysql-error-running.log"
PORTION_BYTES = 1_000_000


@operation
def describe_events(world: World, given: Parameters) -> dict[str, Any]:
    """DescribeEvents: of the last hour unless a time or a duration is given."""
    identifier, kind = given.get("SourceIdentifier"), given.get("SourceType")
    if identifier and not kind:
        raise bad_combination("SourceIdentifier needs a SourceType.")
    now = time.time()
    begin = given.get("StartTime")
    if begin is not None:
        since = begin.timestamp() - time.timezone if begin.tzinfo else _utc(begin)
    else:
        since = now - 60 * int(given.get("Duration", DEFAULT_EVENT_MINUTES))
    until = _utc(given["EndTime"]) if given.get("EndTime") is not None else now
    categories = set(given.get("EventCategories", []))
    return {
        "Events": [
            event
            for event in world.state.events
            if since <= event["Date"] <= until
            and kind in (None, event["SourceType"])
            and identifier in (None, event["SourceIdentifier"])
            and (not categories or categories & set(event["EventCategories"]))
        ]
    }


def _utc(moment: Any) -> float:
    """Seconds since 1970 of a time in UTC without a zone, as the parser gives it."""
    return float((moment - type(moment)(1970, 1, 1)).total_seconds())


@operation
def describe_db_log_files(world: World, given: Parameters) -> dict[str, Any]:
    """DescribeDBLogFiles: the error log."""
    path = world.volumes.log_file(world.volume(world.instance(given["DBInstanceIdentifier"])))
    about = path.stat()
    files = [{"LogFileName": ERROR_LOG, "LastWritten": int(about.st_mtime * 1000), "Size": about.st_size}]
    wanted = given.get("FilenameContains", "")
    return {"DescribeDBLogFiles": [each for each in files if wanted in str(each["LogFileName"])]}


@operation
def download_db_log_file_portion(world: World, given: Parameters) -> dict[str, Any]:
    """DownloadDBLogFilePortion: up to 1 MB from a marker on."""
    if given["LogFileName"] != ERROR_LOG:
        raise fault("DBLogFileNotFoundFault", f"DBLog File: {given['LogFileName']} is not found on the DB instance")
    path = world.volumes.log_file(world.volume(world.instance(given["DBInstanceIdentifier"])))
    content = path.read_bytes()
    marker = str(given.get("Marker", "0"))
    if not marker.isdigit():
        raise bad_value(f"Invalid marker: {marker}")
    begin = int(marker)
    portion = content[begin : begin + PORTION_BYTES]
    if given.get("NumberOfLines") and "Marker" not in given:
        portion = b"".join(content.splitlines(keepends=True)[-int(given["NumberOfLines"]) :])
        begin = len(content) - len(portion)
    end = begin + len(portion)
    return {
        "LogFileData": portion.decode(errors="replace"),
        "Marker": str(end),
        "AdditionalDataPending": end < len(content),
    }


def _tagged(world: World, resource: str) -> Record:
    state = world.state
    kinds: dict[str, tuple[dict[str, Record], str]] = {
        "db": (state.instances, "DBInstanceNotFoundFault"),
        "cluster": (state.clusters, "DBClusterNotFoundFault"),
        "snapshot": (state.snapshots, "DBSnapshotNotFoundFault"),
        "cluster-snapshot": (state.cluster_snapshots, "DBClusterSnapshotNotFoundFault"),
        "pg": (state.groups, "DBParameterGroupNotFoundFault"),
        "cluster-pg": (state.cluster_groups, "DBParameterGroupNotFoundFault"),
    }
    words = resource.split(":")
    if len(words) != 7 or words[5] not in kinds:
        raise bad_value(f"Invalid resource name: {resource}")
    records, missing = kinds[words[5]]
    if identifier_of(resource) not in records:
        raise fault(missing, f"{identifier_of(resource)} not found.")
    return records[identifier_of(resource)]


@operation
def add_tags_to_resource(world: World, given: Parameters) -> dict[str, Any]:
    """AddTagsToResource."""
    record = _tagged(world, given["ResourceName"])
    with world.store.changing():
        tags = {tag["Key"]: tag.get("Value", "") for tag in (*record["TagList"], *given["Tags"])}
        record["TagList"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {}


@operation
def remove_tags_from_resource(world: World, given: Parameters) -> dict[str, Any]:
    """RemoveTagsFromResource."""
    record = _tagged(world, given["ResourceName"])
    with world.store.changing():
        record["TagList"] = [tag for tag in record["TagList"] if tag["Key"] not in given["TagKeys"]]
    return {}


@operation
def list_tags_for_resource(world: World, given: Parameters) -> dict[str, Any]:
    """ListTagsForResource."""
    return {"TagList": _tagged(world, given["ResourceName"])["TagList"]}


@operation
def describe_db_engine_versions(world: World, given: Parameters) -> dict[str, Any]:
    """DescribeDBEngineVersions: those that the stand-in takes."""
    found = [
        {
            "Engine": name,
            "EngineVersion": version,
            "DBParameterGroupFamily": family_of(name, version),
            "Status": "available",
        }
        for name, versions in VERSIONS.items()
        for version in versions
        if given.get("Engine") in (None, name) and given.get("EngineVersion") in (None, version)
    ]
    return {"DBEngineVersions": found}
