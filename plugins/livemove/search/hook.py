"""Elasticsearch through an Airflow connection."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.common.compat.sdk import BaseHook
from airflow.providers.elasticsearch.hooks.elasticsearch import ElasticsearchPythonHook
from elasticsearch import ApiError, JsonSerializer, SerializationError, TransportError, UnsupportedProductError

from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.search.calls import OPAQUE, Call, plain
from livemove.search.faults import NotThere, explain

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

JSON: Final = "application/json"
# Extra fields of the connection that are arguments of the client as they are.
CLIENT_OPTIONS: Final = (
    "api_key", "bearer_auth", "ca_certs", "client_cert", "client_key", "cloud_id", "http_compress",
    "ssl_assert_fingerprint", "ssl_assert_hostname", "ssl_show_warn", "verify_certs",
)  # fmt: skip
TIMEOUT_SECONDS: Final = 60.0
RETRIES: Final = 3
# It writes a line for each request, thousands in one comparison, and a traceback at each look at a server that is down.
# We log each call that changes something, and what a look met.
logging.getLogger("elastic_transport").setLevel(logging.ERROR)


class _AnswerAsBytes(JsonSerializer):
    """Leaves parsing to the caller."""

    def loads(self, data: bytes) -> bytes:
        """The answer as it came."""
        return data


class SearchHook(BaseHook):
    """One Elasticsearch cluster, 7.17 to 9.

    The connection's `host` may name several, with commas; `schema` is http or https; `login` and `password` are used
    if there are any. Its extra takes `api_key`, `bearer_auth`, `cloud_id`, `ca_certs`, `client_cert`, `client_key`,
    `verify_certs`, `ssl_assert_fingerprint`, `ssl_assert_hostname`, `http_compress` and `request_timeout` (seconds).
    `[elasticsearch] es_compat_with` of Airflow says which major version to speak.

    :param search_conn_id: Airflow connection of type elasticsearch.
    """

    conn_name_attr = "search_conn_id"
    default_conn_name = "elasticsearch_default"
    hook_name = "Elasticsearch (livemove)"

    def __init__(self, search_conn_id: str = "elasticsearch_default") -> None:
        super().__init__()
        self.search_conn_id = search_conn_id

    def __str__(self) -> str:
        return self.search_conn_id

    @cached_property
    def client(self) -> Elasticsearch:
        """The client of elasticsearch-py.

        :raises NeedsPerson: the connection is incomplete.
        """
        return self._made()

    @cached_property
    def _bytes_client(self) -> Elasticsearch:
        return self._made(serializers={JSON: _AnswerAsBytes()})

    def _made(self, **more: Any) -> Elasticsearch:
        connection = self.get_connection(self.search_conn_id)
        extra = dict(connection.extra_dejson)
        options = {key: extra[key] for key in CLIENT_OPTIONS if key in extra}
        hosts = [] if "cloud_id" in options else self._hosts(connection)
        if connection.login and "api_key" not in options and "bearer_auth" not in options:
            options["basic_auth"] = (connection.login, connection.password or "")
        options |= {
            "request_timeout": float(extra.get("request_timeout", TIMEOUT_SECONDS)),
            "max_retries": RETRIES,
            "retry_on_status": (502, 503, 504),
            **more,
        }
        try:
            made = ElasticsearchPythonHook(hosts=hosts or None, es_conn_args=options).get_conn
        except (ValueError, TypeError) as error:
            raise NeedsPerson(f"The connection {self.search_conn_id} cannot be used: {error}") from None
        return made  # type: ignore[no-any-return]

    def _hosts(self, connection: Any) -> list[str]:
        if not connection.host:
            raise NeedsPerson(
                f"The connection {self.search_conn_id} names no host. Set it, or `cloud_id` in its extra."
            )
        scheme = connection.schema or "http"
        port = connection.port or 9200
        names = [name.strip() for name in str(connection.host).split(",") if name.strip()]
        return [name if "://" in name else f"{scheme}://{name}:{port}" for name in names]

    # -- calls ------------------------------------------------------------------------------------

    def run(self, call: Call, *, retries: int | None = None) -> dict[str, Any]:
        """Make a call that changes something, and log it.

        :param retries: after a lost answer; the default is that of the client.
        :raises TryAgain: it may work later.
        :raises NeedsPerson: it will not; `NotThere`, `AlreadyThere`, `Flooded` where that is why.
        """
        self.log.info("%s: %s", self.search_conn_id, call.text() if call.method != "GET" else call.line())
        return self.ask(call, retries=retries)

    def ask(self, call: Call, *, retries: int | None = None) -> dict[str, Any]:
        """Make a call without a word in the log.

        :raises TryAgain: it may work later.
        :raises NeedsPerson: it will not.
        """
        opaque = call.headers.get(OPAQUE)
        client = self.client
        if retries is not None or opaque:
            options: dict[str, Any] = {} if retries is None else {"max_retries": retries}
            client = client.options(**options | ({"opaque_id": opaque} if opaque else {}))
        body = self._answer(client, call)
        return body if isinstance(body, dict) else {"answer": body}

    def ask_bytes(self, call: Call) -> bytes:
        """Make a call whose answer is large, and leave its JSON to the caller.

        :raises TryAgain: it may work later.
        :raises NeedsPerson: it will not.
        """
        return bytes(self._answer(self._bytes_client, call))

    def _answer(self, client: Elasticsearch, call: Call) -> Any:
        headers = {"accept": JSON} | ({"content-type": JSON} if call.body is not None else {})
        try:
            return client.perform_request(
                call.method, call.path, params=plain(call.params), headers=headers, body=call.body
            ).body
        except ApiError as error:
            raise explain(error.status_code, _parsed(error.body), call.line(), self.search_conn_id) from None
        except UnsupportedProductError:
            raise NeedsPerson(
                f"{self.search_conn_id} is no Elasticsearch that its Python client accepts (OpenSearch, or a version "
                "below 7.14): it does not send the header X-Elastic-Product."
            ) from None
        except SerializationError as error:
            raise TryAgain(f"{call.line()} on {self.search_conn_id}: the answer is not JSON: {error}") from None
        except TransportError as error:
            raise TryAgain(f"{call.line()} on {self.search_conn_id}: {type(error).__name__}: {error}") from None

    def get(self, path: str, body: Mapping[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        """Read something.

        :raises NotThere: it does not exist.
        """
        return self.ask(Call("GET", path, params, body))

    def find(self, path: str, **params: Any) -> dict[str, Any] | None:
        """Read something that may not exist; None then."""
        try:
            return self.get(path, **params)
        except NotThere:
            return None


def _parsed(body: Any) -> Any:
    """The body of an error, whoever was to parse it."""
    if not isinstance(body, bytes):
        return body
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
