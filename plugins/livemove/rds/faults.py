"""What an error of the RDS API means for the step that met it. No I/O, no client."""

from __future__ import annotations

import re
from typing import Final

from livemove.runbook.errors import NeedsPerson, TryAgain


class NotNow(TryAgain):
    """The resource is in a state in which the API does not do that; the same call may work later."""


class AlreadyThere(TryAgain):
    """Somebody, an earlier attempt as a rule, has made it meanwhile: look again."""


class NotThere(NeedsPerson):
    """The API knows no such resource."""


# The states of what a step waits for; that of a VPC or a subnet group, say, does not change by itself.
_STATE: Final = re.compile(r"InvalidDB(Instance|Cluster|Snapshot|ClusterSnapshot|ParameterGroup)State")
# Adaptive retries have had their chance with these already.
_LATER: Final = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
        "PriorRequestNotComplete",
        "ServiceUnavailable",
        "InternalFailure",
        "InternalError",
        "InternalServerError",
        "RequestTimeout",
        "RequestExpired",
        "ExpiredToken",
        "ExpiredTokenException",
    }
)
_REMEDIES: Final = (
    (("AccessDenied", "UnauthorizedOperation", "AuthFailure"), "Give the role what include/iam/migration.json lists."),
    (("QuotaExceeded",), "Have the quota raised in Service Quotas, or delete what is not needed."),
    (("Capacity",), "Choose another instance class or Availability Zone."),
    (("KMSKeyNotAccessible",), "Enable the KMS key, and let the role use it."),
    (("ParameterGroupNotFound",), "Make the parameter group first (ModifyParameterGroupOperator with `family`)."),
    (("AlreadyExists",), "Choose another name, or delete the old one."),
    (("InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClient"), "Mend the AWS connection's credentials."),
    (("InvalidRestore",), "Check that the snapshot is of an engine that can be restored so."),
)


def explain(code: str, message: str, status: int, operation: str) -> Exception:
    """The error to raise for one of the API.

    :param code: error code, such as `InvalidDBInstanceState`; some have `Fault` at the end, some not.
    :param status: HTTP status.
    :returns: TryAgain or one of its kinds where the same call may work later, else NeedsPerson.
    """
    text = f"rds:{operation}: {code}: {message}"
    plain = code.removesuffix("Fault")
    if _STATE.fullmatch(plain):
        return NotNow(text)
    # A deletion's final snapshot is not made by an earlier attempt while the database is still there.
    if plain.endswith("AlreadyExists") and operation.startswith(("Create", "Restore")):
        return AlreadyThere(text)
    if code in _LATER or status >= 500:
        return TryAgain(text)
    remedy = next((remedy for parts, remedy in _REMEDIES if any(part in plain for part in parts)), "")
    if plain.endswith("NotFound"):
        return NotThere(f"{text} {remedy or 'Check the identifier and the Region of the AWS connection.'}")
    return NeedsPerson(f"{text} {remedy or 'Mend what the message names, then run again.'}")
