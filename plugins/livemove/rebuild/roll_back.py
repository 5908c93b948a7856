"""Roll back: the same swap the other way, as the index that was left is still fed."""

from __future__ import annotations

from collections.abc import Mapping

from livemove.rebuild import verification
from livemove.rebuild.preflight import made_for
from livemove.rebuild.rebuild import Rebuild
from livemove.runbook.errors import NeedsPerson
from livemove.runbook.evidence import Check, Evidence, ok, warn
from livemove.search import state
from livemove.search.aliases import Alias
from livemove.search.state import RebuildState


def choose(live: str, states: Mapping[str, RebuildState | None], wanted: str) -> str:
    """The index to go back to. Pure.

    :param states: of all indices of the alias, by name.
    :param wanted: what the run names; empty for what the live index has replaced.
    :raises NeedsPerson: there is none.
    """
    others = sorted(index for index in states if index != live)
    if wanted:
        if wanted not in others:
            raise NeedsPerson(f"param index: {wanted!r} is none of {', '.join(others) or 'the indices that are left'}.")
        return wanted
    found = states.get(live)
    replaced = found.replaced if found and found.swapped_at else ""
    if not replaced:
        raise NeedsPerson(f"{live} has replaced no index, so there is nothing to go back to.")
    if replaced not in others:
        raise NeedsPerson(f"{replaced}, which {live} has replaced, is gone. Rebuild: index_rebuild.")
    return replaced


def target(rebuild: Rebuild, wanted: str) -> str:
    """The index to go back to."""
    states = {index: state.find_state(rebuild.target, index) for index in made_for(rebuild)}
    return choose(live_alias(rebuild).index, states, wanted)


def live_alias(rebuild: Rebuild) -> Alias:
    """The alias, on its index.

    :raises NeedsPerson: there is none.
    """
    live = rebuild.live()
    if live is None:
        raise NeedsPerson(f"There is no alias {rebuild.alias} on {rebuild.target}.")
    return live


def evidence(going: Rebuild, live: str) -> Evidence:
    """Both loaders, the canaries, and the contents.

    :param going: with the index that is gone back to.
    """
    return Evidence(going.alias, "roll back", (*_checks(going), _contents(going, live)))


def refuse_worse(going: Rebuild, live: str, approved: Evidence | None) -> None:
    """Look at all but the contents again.

    :raises NeedsPerson: something forbids it now; nothing has been changed.
    """
    found = tuple(_checks(going))
    names = {check.name for check in found}
    held = approved and Evidence(
        approved.subject, approved.action, tuple(check for check in approved.checks if check.name in names)
    )
    Evidence(going.alias, "roll back", found).raise_if_worse(held)


def _checks(going: Rebuild) -> list[Check]:
    return [check for check in verification.checks(going) if check.name != "copy"]


def _contents(going: Rebuild, live: str) -> Check:
    found = verification.compare(going, live)
    name = f"contents of {live} and {going.index}"
    if found.same:
        return ok(name, found.text())
    # The live index may be what is wrong, and the reason to go back.
    return warn(name, found.text(), "See which of the two is right, by the database; the loader's log may say why.")
