"""One alias with its clusters, its loaders and, in a rebuild, its new index."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from livemove.rebuild.settings import IndexSettings, load_index, load_mapping
from livemove.runbook.errors import NeedsPerson
from livemove.search import aliases, naming, state
from livemove.search.aliases import Alias
from livemove.search.hook import SearchHook
from livemove.search.state import RebuildState
from livemove.stream.deployment import Deployer, Deployment
from livemove.stream.loaders import Loaders, make_deployer


class Rebuild:
    """What the steps of the runbooks work on.

    :param index: the new index; empty where there is none, such as in a clean-up.
    """

    def __init__(self, settings: IndexSettings, body: Mapping[str, Any], index: str = "") -> None:
        self.settings = settings
        self.body = body
        self.index = index
        self.alias = settings.alias

    @classmethod
    def named(cls, alias: str, index: str = "") -> Rebuild:
        """The alias of a folder in `include/indices`.

        :raises NeedsPerson: a file is missing or does not fit, or the index is none of this alias.
        """
        settings, body = load_index(alias), load_mapping(alias)
        if index and naming.made_at(index, alias) is None:
            raise NeedsPerson(f"param index: {index!r} is no index of {alias}; they are called {alias}-YYYYMMDDHHMMSS.")
        return cls(settings, body, index)

    @property
    def made_at(self) -> datetime:
        """When the new index was named."""
        found = naming.made_at(self.index, self.alias)
        if found is None:
            raise NeedsPerson(f"{self.index!r} is no index of {self.alias}.")
        return found

    # -- clusters -----------------------------------------------------------------------------

    @cached_property
    def source(self) -> SearchHook:
        """The cluster whose documents are copied."""
        return SearchHook(self.settings.elasticsearch_conn_id)

    @cached_property
    def target(self) -> SearchHook:
        """The cluster of the new index; mostly the same."""
        conn_id = self.settings.target_conn_id
        return self.source if conn_id == self.settings.elasticsearch_conn_id else SearchHook(conn_id)

    @property
    def is_elsewhere(self) -> bool:
        """Whether the documents come from another alias or another cluster, which go on beside the new index."""
        return self.target is not self.source or self.settings.copy_of is not None

    def source_index(self) -> str:
        """The index whose documents are copied."""
        return aliases.index_of(self.source, self.settings.source_alias)

    def live(self) -> Alias | None:
        """The alias that is moved, on its index; None where there is none yet.

        :raises NeedsPerson: it is on several.
        """
        found = aliases.look(self.target, self.alias)
        if not found:
            if not self.is_elsewhere:
                raise NeedsPerson(f"There is no alias {self.alias} on {self.target}. Check the folder's name.")
            return None
        if len(found) > 1:
            where = ", ".join(each.index for each in found)
            raise NeedsPerson(
                f"The alias {self.alias} on {self.target} is on {where}; exactly one is needed. Remove it from all but "
                "the index that searches should use: POST /_aliases with `remove`."
            )
        return found[0]

    def state(self) -> RebuildState:
        """What is known of the new index."""
        return state.read_state(self.target, self.index)

    # -- loaders ------------------------------------------------------------------------------

    @cached_property
    def deployer(self) -> Deployer:
        """What runs loaders."""
        return make_deployer(self.settings.loader.deployer)

    @cached_property
    def loaders(self) -> Loaders:
        """All loaders of this alias."""
        return Loaders(self.settings.aws_conn_id, self.settings.loader.state, self.deployer)

    @property
    def address(self) -> str:
        """Where the cluster of the new index answers."""
        return str(self.target.client.transport.node_pool.all()[0].base_url)

    def deployment(self, index: str, start: str, until: str | None = None, name: str = "") -> Deployment:
        """The loader that feeds an index.

        :param start: where it starts without a checkpoint: a time in ISO 8601.
        :param name: of the loader; by default that of the index.
        """
        return Deployment(
            name or index,
            self.settings.streams.documents,
            (f"{self.address}/{index}",),
            self.settings.loader.state,
            start,
            until,
            _credentials(self.target),
        )


def _credentials(hook: SearchHook) -> dict[str, str]:
    """How a loader logs in to a cluster, as variables."""
    connection = hook.get_connection(hook.search_conn_id)
    extra = connection.extra_dejson
    key = extra.get("api_key")
    found = {
        "LOADER_ELASTICSEARCH_USER": None if key else connection.login,
        "LOADER_ELASTICSEARCH_PASSWORD": None if key else connection.password,
        "LOADER_ELASTICSEARCH_API_KEY": key,
        "LOADER_ELASTICSEARCH_CA": extra.get("ca_certs"),
    }
    return {name: str(value) for name, value in found.items() if value}
