"""The AWS query protocol of RDS: forms in, XML out, by botocore's own description of the service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from moto.core.loaders import create_loader
from moto.core.model import ServiceModel
from moto.core.parse import QueryParser
from moto.core.serialize import QuerySerializer, SerializationContext

NAMESPACE = "http://rds.amazonaws.com/doc/2014-10-31/"
SERVICE = ServiceModel(create_loader().load_service_model("rds", "service-2"), "rds")


class ApiError(Exception):
    """An answer of the API that is an error.

    :param code: as clients see it, for example `DBInstanceNotFound`.
    :param status: of the HTTP answer.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def fault(shape: str, message: str) -> ApiError:
    """The error that the service model knows under a name, with its own code and status.

    :param shape: the exception's name in boto3, for example `InvalidDBInstanceStateFault`.
    """
    error = SERVICE.shape_for(shape).metadata["error"]
    return ApiError(error["code"], message, error["httpStatusCode"])


def bad_value(message: str) -> ApiError:
    """A parameter's value that is not allowed."""
    return ApiError("InvalidParameterValue", message)


def bad_combination(message: str) -> ApiError:
    """Parameters that do not go together, or with the state of what they are for."""
    return ApiError("InvalidParameterCombination", message)


def parse(body: bytes) -> tuple[str, dict[str, Any]]:
    """The operation and the parameters of a request.

    :raises ApiError: no operation of RDS, or a parameter that the operation requires is missing.
    """
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    operation = form.get("Action", "")
    if operation not in SERVICE.operation_names:
        raise ApiError("InvalidAction", f"Could not find operation {operation} for version 2014-10-31.")
    model = SERVICE.operation_model(operation)
    parameters = dict(QueryParser(model).parse({"values": form}))  # type: ignore[typeddict-item]
    for name in model.input_shape.required_members if model.input_shape else ():
        if parameters.get(name) in (None, ""):
            raise ApiError("MissingParameter", f"The request must contain the parameter {name}.")
    return operation, parameters


def answer(operation: str, result: Mapping[str, Any], request_id: str) -> bytes:
    """The XML of an operation's result; keys that its shape does not have are left out."""
    serializer = QuerySerializer(
        SERVICE.operation_model(operation), SerializationContext(request_id), value_picker=_pick
    )
    body = serializer.serialize(result)["body"]
    return body if isinstance(body, bytes) else str(body).encode()


def _pick(context: Any) -> Any:
    value = context.obj.get(context.key) if isinstance(context.obj, Mapping) else None
    if context.shape.type_name == "timestamp" and isinstance(value, int | float):
        # Milliseconds, as the service gives them.
        return datetime.fromtimestamp(round(value, 3), UTC).replace(tzinfo=None)
    return value


def error_answer(error: ApiError, request_id: str) -> bytes:
    """The XML of an error."""
    side = "Sender" if error.status < 500 else "Receiver"
    return (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>{side}</Type><Code>{error.code}</Code>'
        f"<Message>{escape(str(error))}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    ).encode()
