"""The index of the example and the loaders that feed it: `python -m rehearsal.search.seed`.

A process of its own with Airflow's variables, as it uses the runbooks' own functions, hooks and connections: the
index, its alias with the filter and its loader come about as a runbook would make them.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rehearsal.errors import RehearsalError

if TYPE_CHECKING:
    from livemove.rebuild.rebuild import Rebuild

ALIAS = "products"
FIRST_MAPPING = Path(__file__).with_name("products.json")
RUNNING_SECONDS = 30


def main() -> int:
    """Make what is missing."""
    from livemove.rebuild.rebuild import Rebuild
    from livemove.runbook.errors import NeedsPerson, TryAgain

    try:
        rebuild = Rebuild.named(ALIAS)
        _index(rebuild)
        for index in _fed(rebuild):
            # The rehearsal's S3 forgets checkpoints when it ends; to read all again changes nothing but takes longer.
            print(rebuild.loaders.deploy(rebuild.deployment(index, "trim_horizon")), flush=True)
            _await_running(rebuild, index)
    except (NeedsPerson, TryAgain, RehearsalError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _index(rebuild: Rebuild) -> None:
    """The first index, with the mapping that a rebuild is to change."""
    from livemove.search import aliases, indices, naming

    if aliases.look(rebuild.target, ALIAS):
        return
    begun = _all(rebuild)
    index = begun[0] if begun else naming.new_index(ALIAS, datetime.now(UTC))
    indices.create(rebuild.target, index, json.loads(FIRST_MAPPING.read_text(encoding="utf-8")), alias=ALIAS)
    aliases.add(rebuild.target, ALIAS, index)


def _all(rebuild: Rebuild) -> list[str]:
    """All indices of the alias, without restored copies."""
    from livemove.search import naming

    found = rebuild.target.find(f"/{ALIAS}-*/_settings", expand_wildcards="all") or {}
    return sorted(name for name in found if naming.made_at(name, ALIAS) and not name.endswith(naming.RESTORED))


def _fed(rebuild: Rebuild) -> list[str]:
    """The indices that have loaders: all but one that a rebuild is still copying."""
    from livemove.search.state import read_state

    return [index for index in _all(rebuild) if read_state(rebuild.target, index).copy_done]


def _await_running(rebuild: Rebuild, name: str) -> None:
    ends = time.monotonic() + RUNNING_SECONDS
    while (said := rebuild.loaders.control.status(name)) is None or said.state != "running":
        if time.monotonic() > ends:
            raise RehearsalError(f"The loader {name} does not run.\n{rebuild.deployer.last_words(name)}")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
