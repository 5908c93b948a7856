"""Aliases: which index one stands for, and the one call that moves it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from livemove.runbook.errors import NeedsPerson
from livemove.search import calls, naming
from livemove.search.calls import Call
from livemove.search.faults import NotThere

if TYPE_CHECKING:
    from livemove.search.hook import SearchHook

log = logging.getLogger(__name__)

# Hides the markers of deleted documents from searches.
LIVE_FILTER: Final[Mapping[str, Any]] = {"bool": {"must_not": {"term": {"livemove.deleted": True}}}}
_KEPT: Final = ("index_routing", "search_routing", "is_write_index", "is_hidden")


@dataclass(frozen=True)
class Alias:
    """An alias on one index.

    :param options: its filter, routing and flags, as the server gives them.
    """

    name: str
    index: str
    options: Mapping[str, Any]

    @property
    def filter(self) -> Mapping[str, Any] | None:
        """What searches through it are limited to."""
        found: Mapping[str, Any] | None = self.options.get("filter")
        return found


def swap_call(alias: str, old: Alias, new: str, wanted: Mapping[str, Any] | None) -> Call:
    """The call that moves an alias: both actions happen at once, or neither.

    Routing and flags come along from the old index. Fails on the server if the alias has left the old index.
    """
    add: dict[str, Any] = {"index": naming.concrete(new), "alias": alias}
    add |= {key: old.options[key] for key in _KEPT if key in old.options}
    if wanted is not None:
        add["filter"] = dict(wanted)
    return calls.aliases([{"remove": {"index": old.index, "alias": alias, "must_exist": True}}, {"add": add}])


def add_call(alias: str, index: str, wanted: Mapping[str, Any] | None) -> Call:
    """The call that puts an alias on its first index."""
    add: dict[str, Any] = {"index": naming.concrete(index), "alias": naming.concrete(alias)}
    if wanted is not None:
        add["filter"] = dict(wanted)
    return calls.aliases([{"add": add}])


def judge_swap(alias: str, found: list[Alias], old: str, new: str, wanted: Mapping[str, Any] | None) -> bool:
    """Whether the alias has moved already; False if it stands where it may be moved from.

    :param found: the alias on all its indices.
    :param wanted: the filter on the new index.
    :raises NeedsPerson: it stands elsewhere.
    """
    where = sorted(each.index for each in found)
    if where == [new] and same_filter(found[0].filter, wanted):
        return True
    if where == [old]:
        return False
    if not where:
        raise NeedsPerson(f"There is no alias {alias}; it was expected on {old}. Add it there, or check the name.")
    if where == [new]:
        raise NeedsPerson(
            f"The alias {alias} is on {new} already, but with the filter {found[0].filter} in the place of "
            f"{wanted}. Someone else has put it there; check what searches should see."
        )
    raise NeedsPerson(
        f"The alias {alias} is on {', '.join(where)}; it was expected on {old} alone, so it is not moved. "
        f"Remove it from all but the index that searches should use: POST /_aliases with `remove`."
    )


def same_filter(found: Mapping[str, Any] | None, wanted: Mapping[str, Any] | None) -> bool:
    """Whether two filters are the same; a server may add defaults, such as boosts, to what it was given."""
    return bool(_bare(found) == _bare(wanted))


def _bare(value: Any) -> Any:
    """A query without its defaults."""
    if isinstance(value, Mapping):
        bare = {key: _bare(each) for key, each in value.items() if (key, each) not in _DEFAULTS}
        return bare["value"] if set(bare) == {"value"} else bare
    if isinstance(value, list):
        return _bare(value[0]) if len(value) == 1 else [_bare(each) for each in value]
    return value


_DEFAULTS: Final = [("boost", 1.0), ("adjust_pure_negative", True)]


# -- steps ----------------------------------------------------------------------------------------------


def look(hook: SearchHook, alias: str) -> list[Alias]:
    """An alias on all its indices, none if it does not exist.

    :raises NeedsPerson: it is the name of an index.
    """
    found = hook.find(calls.path("_alias", alias)) or {}
    indices = [
        Alias(alias, index, each["aliases"][alias])
        for index, each in found.items()
        if isinstance(each, Mapping) and alias in each.get("aliases", {})
    ]
    if not indices and alias in (hook.find(calls.path(alias)) or {}):
        raise NeedsPerson(
            f"{alias} on {hook} is an index, not an alias, so it cannot be moved in one step. Copy it into "
            f"an index of another name, then replace it: POST /_aliases with `remove_index` and `add` in one call."
        )
    return sorted(indices, key=lambda each: each.index)


def index_of(hook: SearchHook, alias: str) -> str:
    """The one index that an alias stands for.

    :raises NeedsPerson: it stands for none, or for several.
    """
    found = look(hook, alias)
    if len(found) != 1:
        where = ", ".join(each.index for each in found) or "no index"
        raise NeedsPerson(f"The alias {alias} on {hook} is on {where}; exactly one is needed.")
    return found[0].index


def swap(hook: SearchHook, alias: str, old: str, new: str, wanted: Mapping[str, Any] | None = LIVE_FILTER) -> bool:
    """Move an alias from one index to another, in one call.

    :param wanted: the filter on the new index; None for none. The default hides markers of deleted documents.
    :returns: whether it was moved now; False if it had moved already.
    :raises NeedsPerson: it is not on `old` alone, or `new` does not exist.
    """
    found = look(hook, alias)
    if judge_swap(alias, found, old, new, wanted):
        log.info("The alias %s is on %s already.", alias, new)
        return False
    hook.run(swap_call(alias, found[0], new, wanted), retries=0)
    return True


def add(hook: SearchHook, alias: str, index: str, wanted: Mapping[str, Any] | None = LIVE_FILTER) -> bool:
    """Put an alias on its first index.

    :returns: whether it was put there now.
    :raises NeedsPerson: it is on another one already.
    """
    found = look(hook, alias)
    if [each.index for each in found] == [index] and same_filter(found[0].filter, wanted):
        return False
    if found and [each.index for each in found] != [index]:
        where = ", ".join(each.index for each in found)
        raise NeedsPerson(f"The alias {alias} on {hook} is on {where} already; move it by a swap.")
    try:
        hook.run(add_call(alias, index, wanted))
    except NotThere:
        raise NeedsPerson(f"There is no index {index} on {hook} to put the alias {alias} on.") from None
    return True
