"""Endpoints are moved, read back and put back as they were, in real services' stead by moto."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from livemove.migration import endpoint
from livemove.migration.access import AwsAccess, HttpAccess
from livemove.migration.endpoint import Address, Mover
from livemove.migration.settings import HttpEndpoint, Route53Endpoint, SecretEndpoint, SsmParameterEndpoint
from livemove.runbook.errors import NeedsPerson, TryAgain
from rehearsal.s3 import ACCESS_KEY, REGION, SECRET_KEY
from rehearsal.stack import Stack

OLD, NEW = Address("old.example", 3306), Address("new.example", 3307)


@pytest.fixture
def access(stack: Stack) -> AwsAccess:
    return AwsAccess(REGION, stack.s3.endpoint_url, ACCESS_KEY, SECRET_KEY, None)


@pytest.fixture
def parameter(access: AwsAccess) -> Mover:
    name = f"/t/{secrets.token_hex(4)}"
    access.client("ssm").put_parameter(Name=name, Value=f"mysql://{OLD}/shop", Type="String")
    settings = SsmParameterEndpoint(kind="ssm_parameter", name=name, value="mysql://{host}:{port}/shop")
    return endpoint.mover(settings, access, 3306)


@pytest.fixture
def secret(access: AwsAccess) -> Mover:
    name = f"t-{secrets.token_hex(4)}"
    document = {"DB_HOST": OLD.host, "DB_PORT": str(OLD.port), "password": "hush"}
    access.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(document))
    settings = SecretEndpoint(kind="secret", name=name, keys={"host": "DB_HOST", "port": "DB_PORT"})
    return endpoint.mover(settings, access, 3306)


@pytest.fixture
def record(access: AwsAccess) -> Mover:
    client = access.client("route53")
    zone = client.create_hosted_zone(Name="shop.example.", CallerReference=secrets.token_hex(4))["HostedZone"]["Id"]
    settings = Route53Endpoint(kind="route53", zone_id=zone, record="db.shop.example", ttl=5)
    record = {"Name": "db.shop.example.", "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": OLD.host}]}
    client.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )
    return endpoint.mover(settings, access, 3306)


class _Service(HTTPServer):
    """A service that holds an address; it may be deaf, or refuse."""

    held: dict[str, Any]
    deaf = False
    status = 200


class _Handler(BaseHTTPRequestHandler):
    server: _Service

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.server.deaf and self.server.status == 200:
            self.server.held = document
        self._answer()

    def _answer(self) -> None:
        body = json.dumps(self.server.held).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[_Service]:
    server = _Service(("127.0.0.1", 0), _Handler)
    server.held = dict(OLD._asdict())
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def http(service: _Service) -> Mover:
    url = f"http://127.0.0.1:{service.server_address[1]}"
    return endpoint.mover(HttpEndpoint(kind="http", conn_id="shop", path="/database"), HttpAccess(url), 3306)


@pytest.mark.parametrize("kind", ["parameter", "secret", "record", "http"])
def test_an_endpoint_is_moved_and_put_back_exactly(kind: str, request: pytest.FixtureRequest) -> None:
    mover: Mover = request.getfixturevalue(kind)
    held = mover.held()
    mover.prove_writable()
    assert mover.held() == held

    mover.move(NEW)

    found = mover.address()
    # A record of DNS holds no port.
    assert found == (Address(NEW.host, 3306) if kind == "record" else NEW)
    mover.put_back(held)
    assert mover.held() == held
    assert mover.address() == OLD


@pytest.mark.parametrize("kind", ["parameter", "secret", "record"])
def test_a_mover_can_be_packed_for_a_process_without_airflow(
    kind: str, request: pytest.FixtureRequest, access: AwsAccess
) -> None:
    mover = request.getfixturevalue(kind)
    packed = json.loads(json.dumps(endpoint.packed(mover.settings, access, 3306)))
    endpoint.unpacked(packed).move(NEW)
    assert mover.address().host == NEW.host


def test_a_secret_keeps_what_else_it_holds_and_shows_none_of_it(secret: Any, access: AwsAccess) -> None:
    secret.move(NEW)
    text = access.client("secretsmanager").get_secret_value(SecretId=secret.settings.name)["SecretString"]
    assert json.loads(text) == {"DB_HOST": NEW.host, "DB_PORT": "3307", "password": "hush"}
    assert "hush" not in secret.held()
    assert SECRET_KEY not in repr(secret).replace("access_key", "")


def test_a_service_that_does_not_listen_is_found_out_by_reading_back(http: Mover, service: _Service) -> None:
    service.deaf = True
    with pytest.raises(TryAgain, match="read back"):
        http.move(NEW)


@pytest.mark.parametrize(("status", "error"), [(503, TryAgain), (403, NeedsPerson)])
def test_a_service_that_refuses_is_named(http: Mover, service: _Service, status: int, error: type[Exception]) -> None:
    service.status = status
    with pytest.raises(error, match=str(status)):
        http.move(NEW)


def test_what_is_missing_is_named_with_its_key(access: AwsAccess) -> None:
    parameter = endpoint.mover(SsmParameterEndpoint(kind="ssm_parameter", name="/none"), access, 3306)
    with pytest.raises(NeedsPerson, match=r"endpoint\.name: there is no SSM parameter '/none'"):
        parameter.held()
    with pytest.raises(NeedsPerson, match=r"endpoint\.name: there is no secret 'none'"):
        endpoint.mover(SecretEndpoint(kind="secret", name="none"), access, 3306).held()


def test_a_record_that_is_no_plain_cname_is_refused(record: Any, access: AwsAccess) -> None:
    other = record.settings.model_copy(update={"record": "shop.example"})
    with pytest.raises(NeedsPerson, match="one plain CNAME"):
        endpoint.mover(other, access, 3306).held()
