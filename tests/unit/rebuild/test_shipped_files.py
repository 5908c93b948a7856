"""What users copy and edit is complete and true."""

from __future__ import annotations

import json
import re

from botocore import xform_name

from rehearsal.paths import REPOSITORY

STREAM = REPOSITORY / "plugins" / "livemove" / "stream"
# What boto3 calls its methods, and what IAM calls them where that differs.
S3 = {"get_object": "s3:GetObject", "put_object": "s3:PutObject", "delete_object": "s3:DeleteObject"}
LISTING = "list_objects_v2"


def test_the_policy_allows_what_the_stream_s_code_calls_and_nothing_more() -> None:
    policy = json.loads((REPOSITORY / "include" / "iam" / "index_rebuild.json").read_text(encoding="utf-8"))
    allowed = set()
    for statement in policy["Statement"]:
        actions = statement["Action"]
        allowed |= {actions} if isinstance(actions, str) else set(actions)
    code = "".join(path.read_text(encoding="utf-8") for path in STREAM.glob("*.py"))
    methods = set(re.findall(r"self\.conn\.(\w+)\(", code))
    kinesis = {f"kinesis:{name}" for name in ("DescribeStreamSummary", "ListShards", "GetShardIterator", "GetRecords")}
    assert {xform_name(name.partition(":")[2]) for name in kinesis} == methods
    s3 = {action for method, action in S3.items() if f"_s3.{method}(" in code}
    assert LISTING in code
    assert allowed == kinesis | s3 | {"s3:ListBucket"}
