"""Where the application finds its database: read it, move it, read it back, put it back.

A mover works from plain values, so that the dead-man's process can move an endpoint back without Airflow.
`access` turns Airflow's connections into such values beforehand.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol

from pydantic import TypeAdapter

from livemove.migration.access import Access, AwsAccess, HttpAccess, aws_access, http_access
from livemove.migration.settings import (
    Endpoint,
    HttpEndpoint,
    MigrationSettings,
    PersonEndpoint,
    Route53Endpoint,
    SecretEndpoint,
    SsmParameterEndpoint,
)
from livemove.runbook.config import Settings
from livemove.runbook.errors import NeedsPerson, TryAgain

log = logging.getLogger(__name__)


class Address(NamedTuple):
    """A server's host and port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Mover(Protocol):
    """Moves one endpoint."""

    def held(self) -> str:
        """What the endpoint holds now, exactly, to be put back later. Holds no secret."""

    def address(self) -> Address | None:
        """Where the endpoint leads now; None if that cannot be known."""

    def prove_writable(self) -> None:
        """Prove that the endpoint may be changed, by writing what it holds already."""

    def move(self, to: Address) -> None:
        """Let the endpoint lead to a server, and read it back."""

    def put_back(self, held: str) -> None:
        """Let the endpoint hold what `held` told before, and read it back."""

    def text(self, to: str) -> str:
        """How the plan says it.

        :param to: the server, as the plan names it.
        """


@dataclass(frozen=True)
class SsmParameterMover:
    """Writes an SSM parameter of type String."""

    settings: SsmParameterEndpoint
    access: AwsAccess
    port: int

    def held(self) -> str:
        """The parameter's value."""
        client = self.access.client("ssm")
        try:
            value: str = client.get_parameter(Name=self.settings.name)["Parameter"]["Value"]
        except client.exceptions.ParameterNotFound:
            raise NeedsPerson(
                f"endpoint.name: there is no SSM parameter {self.settings.name!r} in {self.access.region}. Correct the "
                "name or the connection's region."
            ) from None
        return value

    def address(self) -> Address | None:
        """Host and port that the value holds, if it was made by the template."""
        return _from_template(self.settings.value, self.held(), self.port)

    def prove_writable(self) -> None:
        """Write the present value again."""
        self.put_back(self.held())

    def move(self, to: Address) -> None:
        """Write the address in the form that `endpoint.value` gives."""
        self.put_back(self.settings.value.format(host=to.host, port=to.port))

    def put_back(self, held: str) -> None:
        """Write a value and read it back."""
        self.access.client("ssm").put_parameter(Name=self.settings.name, Value=held, Overwrite=True)
        _must_hold(f"SSM parameter {self.settings.name}", self.held(), held)

    def text(self, to: str) -> str:
        """The call."""
        return f"ssm:PutParameter Name={self.settings.name} Value={self.settings.value} of {to}, read back"


@dataclass(frozen=True)
class Route53Mover:
    """Writes a CNAME record."""

    settings: Route53Endpoint
    access: AwsAccess
    port: int

    def held(self) -> str:
        """The record set, as JSON."""
        wanted = self.settings.record.rstrip(".").lower() + "."
        answer = self.access.client("route53").list_resource_record_sets(
            HostedZoneId=self.settings.zone_id, StartRecordName=wanted, MaxItems="10"
        )
        found = [each for each in answer["ResourceRecordSets"] if each["Name"].lower() == wanted]
        if len(found) != 1 or found[0]["Type"] != "CNAME" or "SetIdentifier" in found[0]:
            kinds = ", ".join(each["Type"] for each in found) or "nothing"
            raise NeedsPerson(
                f"endpoint.record: {self.settings.record} in zone {self.settings.zone_id} should be one plain CNAME "
                f"record; there is: {kinds}. Make it one, or name another kind of endpoint."
            )
        return json.dumps(found[0], sort_keys=True)

    def address(self) -> Address | None:
        """The record's target; MySQL's port."""
        target: str = json.loads(self.held())["ResourceRecords"][0]["Value"]
        return Address(target.rstrip("."), self.port)

    def prove_writable(self) -> None:
        """Write the present record again."""
        self.put_back(self.held())

    def move(self, to: Address) -> None:
        """Let the record lead to a host."""
        record = {
            "Name": self.settings.record.rstrip(".") + ".",
            "Type": "CNAME",
            "TTL": self.settings.ttl,
            "ResourceRecords": [{"Value": to.host}],
        }
        self.put_back(json.dumps(record))

    def put_back(self, held: str) -> None:
        """Write the record set and read it back.

        Route 53 then tells its name servers, within a minute: clients that still see the old record meet
        locked accounts there, so nothing is lost.
        """
        record = json.loads(held)
        self.access.client("route53").change_resource_record_sets(
            HostedZoneId=self.settings.zone_id,
            ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]},
        )
        now = json.loads(self.held())
        _must_hold(f"record {self.settings.record}", _target(now), _target(record))

    def text(self, to: str) -> str:
        """The call."""
        return (
            f"route53:ChangeResourceRecordSets {self.settings.zone_id}: UPSERT {self.settings.record} CNAME {to}, "
            f"TTL {self.settings.ttl} s, read back"
        )


def _target(record: Mapping[str, Any]) -> str:
    return ", ".join(each["Value"].rstrip(".").lower() for each in record["ResourceRecords"])


@dataclass(frozen=True)
class SecretMover:
    """Writes two keys of a secret that is a JSON object; what else it holds stays and is never shown."""

    settings: SecretEndpoint
    access: AwsAccess
    port: int

    def held(self) -> str:
        """The values of the two keys, as JSON."""
        document = self._document()
        return json.dumps({key: document[key] for key in self.settings.keys.values()}, sort_keys=True)

    def _document(self) -> dict[str, Any]:
        client = self.access.client("secretsmanager")
        try:
            text = client.get_secret_value(SecretId=self.settings.name)["SecretString"]
        except client.exceptions.ResourceNotFoundException:
            raise NeedsPerson(f"endpoint.name: there is no secret {self.settings.name!r}; correct the name.") from None
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise NeedsPerson(f"endpoint.name: secret {self.settings.name!r} is no JSON object, so it has no keys.")
        if missing := sorted(set(self.settings.keys.values()) - set(document)):
            raise NeedsPerson(
                f"endpoint.keys: secret {self.settings.name!r} has no key {missing[0]!r}; correct the name."
            )
        return document

    def address(self) -> Address | None:
        """What the keys say."""
        document, keys = self._document(), self.settings.keys
        host = str(document[keys["host"]]) if "host" in keys else ""
        return Address(host, int(document[keys["port"]]) if "port" in keys else self.port) if host else None

    def prove_writable(self) -> None:
        """Write the present values again."""
        self.put_back(self.held())

    def move(self, to: Address) -> None:
        """Write host and port, each as the type that it has (a port may be text)."""
        document = self._document()
        values = {key: type(document[key])(getattr(to, part)) for part, key in self.settings.keys.items()}
        self.put_back(json.dumps(values, sort_keys=True))

    def put_back(self, held: str) -> None:
        """Write the two keys and read them back."""
        document = {**self._document(), **json.loads(held)}
        self.access.client("secretsmanager").put_secret_value(
            SecretId=self.settings.name, SecretString=json.dumps(document)
        )
        _must_hold(f"secret {self.settings.name}", self.held(), held)

    def text(self, to: str) -> str:
        """The call."""
        keys = ", ".join(self.settings.keys.values())
        return f"secretsmanager:PutSecretValue {self.settings.name}: {keys} of {to}, read back"


@dataclass(frozen=True)
class HttpMover:
    """Tells a service of the user's own: GET answers `{"host": …, "port": …}`, POST takes the same."""

    settings: HttpEndpoint
    access: HttpAccess
    port: int

    def held(self) -> str:
        """What the service answers."""
        answer = self.access.call("GET", self.settings.path)
        if not isinstance(answer, dict) or "host" not in answer:
            raise NeedsPerson(
                f'endpoint.path: GET {self.settings.path} should answer {{"host": …, "port": …}} as JSON; it does not.'
            )
        return json.dumps({"host": str(answer["host"]), "port": int(answer.get("port", self.port))}, sort_keys=True)

    def address(self) -> Address | None:
        """What the service answers."""
        return Address(**json.loads(self.held()))

    def prove_writable(self) -> None:
        """Tell the service what it holds already."""
        self.put_back(self.held())

    def move(self, to: Address) -> None:
        """Tell the service."""
        self.put_back(json.dumps(to._asdict(), sort_keys=True))

    def put_back(self, held: str) -> None:
        """Tell the service and ask it."""
        self.access.call("POST", self.settings.path, json.loads(held))
        _must_hold(f"{self.access.base_url}/{self.settings.path.lstrip('/')}", self.held(), held)

    def text(self, to: str) -> str:
        """The call."""
        return f"POST {self.settings.path} of {self.settings.conn_id}: host and port of {to}, read back"


@dataclass(frozen=True)
class PersonMover:
    """Asks a person, in the log. What was fenced stays fenced, so nothing is lost while the person works."""

    port: int

    def held(self) -> str:
        """Not known."""
        return ""

    def address(self) -> Address | None:
        """Not known."""
        return None

    def prove_writable(self) -> None:
        """Not needed."""

    def move(self, to: Address) -> None:
        """Ask."""
        log.warning("Move the application now: its database is %s.", to)

    def put_back(self, held: str) -> None:
        """Ask."""
        log.warning("The application belongs where it was before: move it back if you have moved it.")

    def text(self, to: str) -> str:
        """What the person does."""
        return f"a person moves the application to {to} when the log asks for it"


def _from_template(template: str, value: str, port: int) -> Address | None:
    """Read `shop.example:3306` by the template `{host}:{port}`."""
    import re

    pattern = re.escape(template).replace(re.escape("{host}"), "(?P<host>[^:/@ ]+)")
    found = re.fullmatch(pattern.replace(re.escape("{port}"), r"(?P<port>\d+)"), value)
    return Address(found["host"], int(found.groupdict().get("port") or port)) if found else None


def _must_hold(what: str, now: str, wanted: str) -> None:
    if now != wanted:
        raise TryAgain(f"{what} was written, and read back it holds {now!r} in place of {wanted!r}.")


def access(settings: MigrationSettings) -> Access:
    """Turn the endpoint's Airflow connection into plain values."""
    endpoint = settings.endpoint
    if isinstance(endpoint, PersonEndpoint):
        return None
    if isinstance(endpoint, HttpEndpoint):
        return http_access(endpoint.conn_id)
    services = {"ssm_parameter": "ssm", "route53": "route53", "secret": "secretsmanager"}
    return aws_access(endpoint.aws_conn_id or settings.aws_conn_id, services[endpoint.kind])


_MOVERS: dict[type[Settings], Any] = {
    SsmParameterEndpoint: SsmParameterMover,
    Route53Endpoint: Route53Mover,
    SecretEndpoint: SecretMover,
    HttpEndpoint: HttpMover,
}


def mover(endpoint: Endpoint, given: Access, port: int) -> Mover:
    """The mover of an endpoint.

    :param given: what `access` returned.
    :param port: MySQL's, where the endpoint tells only a host.
    """
    if isinstance(endpoint, PersonEndpoint):
        return PersonMover(port)
    made: Mover = _MOVERS[type(endpoint)](endpoint, given, port)
    return made


def mover_of(settings: MigrationSettings) -> Mover:
    """The mover of a migration's endpoint."""
    return mover(settings.endpoint, access(settings), settings.mysql.port)


def packed(endpoint: Endpoint, given: Access, port: int) -> dict[str, Any]:
    """A mover as JSON, secrets included: for a pipe, never for a file or a log."""
    return {"endpoint": endpoint.model_dump(), "access": asdict(given) if given else None, "port": port}


def unpacked(document: Mapping[str, Any]) -> Mover:
    """The mover that `packed` has put into JSON."""
    endpoint: Endpoint = TypeAdapter(Endpoint).validate_python(document["endpoint"])
    given = document["access"]
    kind = HttpAccess if isinstance(endpoint, HttpEndpoint) else AwsAccess
    return mover(endpoint, kind(**given) if given else None, document["port"])
