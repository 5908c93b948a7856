"""Steps by their ids, as tasks and triggers make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from livemove.rebuild import clean_up, replay, steps
from livemove.rebuild.rebuild import Rebuild
from livemove.search.waiting import Step

_STEPS: Mapping[str, Callable[..., Step]] = {
    "restore": lambda rebuild: lambda: steps.restore(rebuild),
    "reindex": steps.Reindex,
    "deploy_rewound_loader": lambda rebuild: lambda: steps.deploy(rebuild),
    "until_level": steps.Level,
    "purge_markers": clean_up.Purge,
    "replay": replay.Replay,
}


def made(alias: str, index: str, step: str, given: Mapping[str, Any]) -> Step:
    """A step that keeps what it has seen from call to call.

    :raises NeedsPerson: a file of the alias does not fit.
    """
    return _STEPS[step](Rebuild.named(alias, index), **given)
