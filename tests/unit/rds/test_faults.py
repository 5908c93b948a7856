from __future__ import annotations

import botocore.session
import pytest

from livemove.rds.faults import AlreadyThere, NotNow, NotThere, explain
from livemove.runbook.errors import NeedsPerson, TryAgain
from tests.unit.rds.samples import CALLS


def codes() -> list[tuple[str, str]]:
    """Every error that the service model has for the operations that we call."""
    model = botocore.session.get_session().get_service_model("rds")
    operations = sorted({call.operation for call in CALLS.values()})
    return sorted(
        {
            (operation, shape.metadata["error"]["code"])
            for operation in operations
            for shape in model.operation_model(operation).error_shapes
        }
    )


@pytest.mark.parametrize(
    "code",
    ["InvalidDBInstanceState", "InvalidDBClusterStateFault", "InvalidDBSnapshotState", "InvalidDBParameterGroupState"],
)
def test_a_state_that_does_not_allow_it_is_for_later(code: str) -> None:
    assert type(explain(code, "m", 400, "RebootDBInstance")) is NotNow


@pytest.mark.parametrize(
    ("code", "status"),
    [("Throttling", 400), ("RequestLimitExceeded", 503), ("InternalFailure", 500), ("Whatever", 502)],
)
def test_throttling_and_faults_of_the_service_are_for_later(code: str, status: int) -> None:
    assert type(explain(code, "m", status, "RebootDBInstance")) is TryAgain


def test_what_was_made_meanwhile_is_looked_at() -> None:
    assert type(explain("DBInstanceAlreadyExists", "m", 400, "CreateDBInstance")) is AlreadyThere
    assert type(explain("DBClusterAlreadyExistsFault", "m", 400, "RestoreDBClusterFromSnapshot")) is AlreadyThere
    assert type(explain("DBSnapshotAlreadyExists", "m", 400, "CreateDBSnapshot")) is AlreadyThere


def test_a_final_snapshot_of_that_name_is_a_persons_business() -> None:
    problem = explain("DBSnapshotAlreadyExists", "m", 400, "DeleteDBInstance")
    assert type(problem) is NeedsPerson
    assert "another name" in str(problem)


@pytest.mark.parametrize(("operation", "code"), codes())
def test_each_error_of_the_service_model_is_sorted(operation: str, code: str) -> None:
    problem = explain(code, "the words of RDS", 404 if "NotFound" in code else 400, operation)
    assert "the words of RDS" in str(problem)
    assert code in str(problem)
    assert operation in str(problem)
    if "NotFound" in code:
        assert isinstance(problem, NotThere)
    if isinstance(problem, NeedsPerson):
        # The remedy comes after RDS's words.
        assert str(problem).rstrip(".").rpartition("the words of RDS")[2].strip()


def test_the_state_of_a_vpc_does_not_change_by_waiting() -> None:
    assert isinstance(explain("InvalidVPCNetworkStateFault", "m", 400, "CreateDBInstance"), NeedsPerson)
