from __future__ import annotations

import os
from pathlib import Path

import botocore.session
import pytest
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from livemove.rds import calls
from livemove.rds.call import Call
from livemove.rds.naming import TAG_MADE_FROM
from livemove.rds.states import Kind, Subject
from livemove.runbook.errors import NeedsPerson
from tests.unit.rds.samples import CALLS, SOURCE_ARN

PLAN = Path(__file__).parent / "plans" / "calls.txt"


@pytest.fixture(scope="module")
def model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("rds")


def problems(model: ServiceModel, call: Call) -> str:
    shape = model.operation_model(call.operation).input_shape
    return str(ParamValidator().validate(call.parameters, shape).generate_report())


def test_every_builder_has_a_sample() -> None:
    builders = {name for name in calls.__all__ if name[0].islower()}
    assert builders == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_a_call_fits_the_service_model(model: ServiceModel, name: str) -> None:
    assert problems(model, CALLS[name]) == ""


@pytest.mark.parametrize("name", CALLS)
def test_no_parameter_of_a_call_is_unknown_to_the_service_model(model: ServiceModel, name: str) -> None:
    shape = model.operation_model(CALLS[name].operation).input_shape
    assert set(CALLS[name].parameters) <= set(shape.members)


@pytest.mark.parametrize("cluster", [False, True])
def test_parameter_groups_of_both_kinds_fit_the_service_model(model: ServiceModel, cluster: bool) -> None:
    entry = {"ParameterName": "a", "ParameterValue": "1", "ApplyMethod": "immediate"}
    for call in (
        calls.create_parameter_group(name="g", family="mysql8.0", cluster=cluster),
        calls.modify_parameter_group(name="g", parameters=[entry], cluster=cluster),
    ):
        assert problems(model, call) == ""


def test_the_text_of_every_call_is_as_committed() -> None:
    text = "\n\n".join(CALLS[name].text() for name in sorted(CALLS)) + "\n"
    if os.environ.get("LIVEMOVE_RENEW_PLANS"):
        PLAN.parent.mkdir(exist_ok=True)
        PLAN.write_text(text, encoding="utf-8")
    assert text == PLAN.read_text(encoding="utf-8")


def test_a_password_does_not_stand_in_the_text_of_a_call() -> None:
    call = Call("CreateDBCluster", {"MasterUserPassword": "it's secret"}, Subject(Kind.CLUSTER, "a"))
    assert "secret" not in call.text()


@pytest.mark.parametrize("build", [calls.modify_instance, calls.modify_cluster])
def test_a_password_is_not_changed(build: type[Call]) -> None:
    with pytest.raises(NeedsPerson, match="ManageMasterUserPassword") as caught:
        build(identifier="shop", changes={"MasterUserPassword": "secret"})  # type: ignore[call-arg]
    assert "secret" not in str(caught.value).replace("Secrets Manager", "")


@pytest.mark.parametrize("source", ["shop", "arn:aws:rds:ap-northeast-1:123456789012:cluster:shop"])
def test_an_aurora_replica_wants_the_arn_of_an_instance(source: str) -> None:
    with pytest.raises(NeedsPerson, match="DBInstanceArn"):
        calls.create_aurora_replica(identifier="shop-aurora", source_arn=source)


@pytest.mark.parametrize("days", [0, 36])
def test_a_promoted_instance_keeps_backups(days: int) -> None:
    with pytest.raises(NeedsPerson, match="1 to 35"):
        calls.promote_instance(identifier="shop", backup_retention_days=days)


@pytest.mark.parametrize("count", [0, 21])
def test_a_call_takes_one_to_twenty_parameters(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 20"):
        calls.modify_parameter_group(name="g", parameters=[{}] * count, cluster=False)


def test_a_restored_database_carries_what_it_was_made_from() -> None:
    call = calls.restore_instance(
        identifier="a", snapshot="arn:aws:rds:ap-northeast-1:123456789012:snapshot:rds:shop-2026-01-01-00-00"
    )
    assert {"Key": TAG_MADE_FROM, "Value": "rds:shop-2026-01-01-00-00"} in call.parameters["Tags"]


def test_a_restored_cluster_waits_for_the_right_kind_of_snapshot() -> None:
    of_instance = SOURCE_ARN.replace(":db:", ":snapshot:")
    assert calls.restore_cluster(identifier="a", snapshot=of_instance).after[0].kind is Kind.INSTANCE_SNAPSHOT
    assert calls.restore_cluster(identifier="a", snapshot="shop").after[0].kind is Kind.CLUSTER_SNAPSHOT


def test_options_come_last_and_win() -> None:
    call = calls.create_read_replica(identifier="a", source="shop", options={"MultiAZ": True, "DBInstanceClass": "x"})
    assert call.parameters["MultiAZ"] is True
    assert call.parameters["DBInstanceClass"] == "x"


def test_a_final_snapshot_is_taken_unless_it_is_left_out() -> None:
    kept = calls.delete_cluster(identifier="a", final_snapshot="a-final").parameters
    assert (kept["SkipFinalSnapshot"], kept["FinalDBSnapshotIdentifier"]) == (False, "a-final")
    left_out = calls.delete_instance(identifier="a", final_snapshot=None).parameters
    assert left_out == {"DBInstanceIdentifier": "a", "SkipFinalSnapshot": True}
