"""Airflow's connections as plain values, for a process without Airflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from livemove.runbook.errors import NeedsPerson, TryAgain

# While writes are stopped no call may hang.
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 3, 5, 3


@dataclass(frozen=True)
class AwsAccess:
    """How to reach one AWS service.

    :param endpoint_url: None for AWS's own.
    :param verify: as botocore's: whether, or against which bundle, certificates are checked.
    """

    region: str | None
    endpoint_url: str | None
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str | None = field(repr=False)
    verify: bool | str | None = None

    def client(self, service: str) -> Any:
        """A client whose calls give up soon. Making one takes longer than a call, so it is kept."""
        return _client(self, service)


@lru_cache(maxsize=8)
def _client(access: AwsAccess, service: str) -> Any:
    import botocore.session
    from botocore.config import Config

    return botocore.session.get_session().create_client(
        service,
        region_name=access.region,
        endpoint_url=access.endpoint_url,
        aws_access_key_id=access.access_key,
        aws_secret_access_key=access.secret_key,
        aws_session_token=access.token,
        verify=access.verify,
        config=Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "max_attempts": ATTEMPTS},
        ),
    )


@dataclass(frozen=True)
class HttpAccess:
    """How to reach a service of the user's own."""

    base_url: str
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def call(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> Any:
        """Send JSON and return the answer's JSON, or None if it has none.

        :raises TryAgain: no answer, or one of 5xx.
        :raises NeedsPerson: any other answer that is not 2xx.
        """
        import requests

        url = f"{self.base_url}/{path.lstrip('/')}"
        auth = (self.login, self.password or "") if self.login else None
        try:
            answer = requests.request(
                method,
                url,
                json=document,
                auth=auth,
                headers=dict(self.headers),
                timeout=(CONNECT_SECONDS, READ_SECONDS),
            )
        except requests.RequestException as error:
            raise TryAgain(f"{method} {url}: {type(error).__name__}; is the service up?") from None
        if answer.status_code >= 500:
            raise TryAgain(f"{method} {url}: it answers {answer.status_code} {answer.reason}.")
        if not answer.ok:
            raise NeedsPerson(
                f"{method} {url}: it answers {answer.status_code} {answer.reason}; correct path or login."
            )
        try:
            return answer.json()
        except ValueError:
            return None


Access = AwsAccess | HttpAccess | None


def http_access(conn_id: str) -> HttpAccess:
    """Read an Airflow connection of type http."""
    from airflow.sdk import BaseHook

    connection = BaseHook.get_connection(conn_id)
    host = connection.host or ""
    base = host if "://" in host else f"{connection.schema or 'https'}://{host}"
    port = f":{connection.port}" if connection.port else ""
    headers = {name: str(value) for name, value in connection.extra_dejson.get("headers", {}).items()}
    return HttpAccess(f"{base.rstrip('/')}{port}", connection.login, connection.password, headers)


def aws_access(conn_id: str, service: str) -> AwsAccess:
    """Read an Airflow connection of type aws, with the credentials of the role that it assumes.

    :raises NeedsPerson: it gives no credentials.
    """
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    hook = AwsBaseHook(aws_conn_id=conn_id, client_type=service)
    session = hook.get_session()
    credentials = session.get_credentials()
    if credentials is None:
        raise NeedsPerson(f"connection {conn_id}: it gives no AWS credentials; set a login, a role or a profile.")
    keys = credentials.get_frozen_credentials()
    return AwsAccess(
        region=hook.region_name or session.region_name,
        endpoint_url=hook.conn_config.get_service_endpoint_url(service),
        access_key=keys.access_key,
        secret_key=keys.secret_key,
        token=keys.token,
        verify=hook.verify,
    )
