"""Calls and answers are those of boto3's own service model."""

from __future__ import annotations

from urllib.parse import urlencode

import boto3
import pytest
from botocore.parsers import create_parser

from rehearsal.rds import wire
from rehearsal.rds.operations import OPERATIONS


def received(operation: str, body: bytes, status: int = 200) -> dict:
    """What boto3 makes of an answer."""
    model = boto3.client("rds", region_name="eu-west-1").meta.service_model.operation_model(operation)
    answer = {"body": body, "status_code": status, "headers": {}}
    return dict(create_parser("query").parse(answer, model.output_shape))


def sent(**form: str) -> bytes:
    return urlencode(form).encode()


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_is_one_of_the_service(name: str) -> None:
    assert name in wire.SERVICE.operation_names


def test_a_call_with_lists_and_numbers_is_read() -> None:
    body = sent(
        Action="ModifyDBParameterGroup",
        DBParameterGroupName="shop",
        **{
            "Parameters.Parameter.1.ParameterName": "gtid-mode",
            "Parameters.Parameter.1.ParameterValue": "ON",
            "Parameters.Parameter.1.ApplyMethod": "pending-reboot",
        },
    )
    operation, given = wire.parse(body)
    assert operation == "ModifyDBParameterGroup"
    assert given["Parameters"] == [
        {"ParameterName": "gtid-mode", "ParameterValue": "ON", "ApplyMethod": "pending-reboot"}
    ]


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(wire.ApiError, match="DBInstanceIdentifier") as refused:
        wire.parse(sent(Action="RebootDBInstance"))
    assert refused.value.code == "MissingParameter"


def test_an_unknown_operation_is_refused() -> None:
    with pytest.raises(wire.ApiError) as refused:
        wire.parse(sent(Action="MakeCoffee"))
    assert refused.value.code == "InvalidAction"


def test_an_answer_shows_what_the_shape_has_and_nothing_of_ours() -> None:
    record = {"DBInstanceIdentifier": "shop", "InstanceCreateTime": 1700000000.123, "MultiAZ": False, "_writer": True}
    body = wire.answer("DescribeDBInstances", {"DBInstances": [record]}, "id-1")
    assert b"_writer" not in body
    (found,) = received("DescribeDBInstances", body)["DBInstances"]
    assert found["DBInstanceIdentifier"] == "shop"
    assert found["MultiAZ"] is False
    assert found["InstanceCreateTime"].timestamp() == 1700000000.123


def test_errors_have_the_codes_of_the_service() -> None:
    error = wire.fault("DBInstanceNotFoundFault", "no <such> instance")
    assert (error.code, error.status) == ("DBInstanceNotFound", 404)
    found = received("DescribeDBInstances", wire.error_answer(error, "id-1"), 404)["Error"]
    assert (found["Code"], found["Message"]) == ("DBInstanceNotFound", "no <such> instance")
    assert wire.fault("DBClusterNotFoundFault", "").code == "DBClusterNotFoundFault"
