"""The plans of the runbooks are contracts: their whole texts are compared with committed ones.

Where a plan changes on purpose, write the texts anew, read what `git diff` shows, and commit them with the change::

    LIVEMOVE_RENEW_PLANS=1 ./dev test unit

The tests fail in that run, so that it cannot pass for a test.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from livemove.rebuild import plan
from livemove.rebuild.settings import IndexSettings, load_index, load_mapping
from livemove.search.aliases import LIVE_FILTER, Alias
from livemove.stream.deployment import Deployment
from livemove.stream.local import LocalDeployer

PLANS = Path(__file__).parent / "plans"
RENEW = "LIVEMOVE_RENEW_PLANS"
OLD, NEW = "products-20261101093000", "products-20261122093000"
LIVE = Alias("products", OLD, {"filter": dict(LIVE_FILTER), "is_write_index": True})


def settings(**changes: Any) -> IndexSettings:
    return load_index("products").model_copy(update=changes)


def known(**changes: Any) -> plan.Known:
    found: dict[str, Any] = {
        "index": NEW,
        "source": OLD,
        "live": LIVE,
        "snapshot": "products-20261122010000",
        "snapshot_name": "products-20261122093000",
        "snapshot_started_at": "2026-11-22T01:00:00.000Z",
        "differences": ("settings.index.number_of_shards: 2 -> 3", "field price: float -> double"),
        "documents": 2_000_000,
    }
    return plan.Known(**{**found, **changes})


def deployment(start: str, until: str | None = None, name: str = NEW) -> Deployment:
    target = f"http://search.internal:9200/{OLD if until else NEW}"
    return Deployment(name, "livemove-documents", (target,), "s3://livemove-rehearsal/loaders", start, until)


def _command(found: Deployment) -> str:
    return LocalDeployer(Path("/run")).describe(found)


def rebuild_from_a_snapshot() -> str:
    """The newest snapshot is fresh and good."""
    return plan.rebuild(settings(), load_mapping("products"), known(), _command(deployment("2026-11-22T01:00:00.000Z")))


def rebuild_with_a_new_snapshot() -> str:
    """None is fresh, so one is taken; copied slowly."""
    slow = settings().reindex.model_copy(update={"requests_per_second": 5000.0})
    found = known(snapshot="", snapshot_started_at="", differences=())
    start = plan.LATER.format("start of the snapshot")
    return plan.rebuild(settings(reindex=slow), load_mapping("products"), found, _command(deployment(start)))


def rebuild_into_another_cluster() -> str:
    """The alias is on no index there."""
    chosen = settings(restore_into_conn_id="elasticsearch_9")
    return plan.rebuild(
        chosen, load_mapping("products"), known(live=None), _command(deployment("2026-11-22T01:00:00.000Z"))
    )


def roll_back() -> str:
    """The old index is still fed."""
    return plan.roll_back(settings(), Alias("products", NEW, {"filter": dict(LIVE_FILTER)}), OLD)


def clean_up() -> str:
    """One was replaced, one was never finished, and the live one's restored copy is left."""
    leftovers = [
        plan.Leftover(OLD, "replaced at 2026-11-20T09:30:00.000Z", restored=False, loader=True),
        plan.Leftover("products-20261121120000", "never came to the swap", restored=True, loader=False),
        plan.Leftover(NEW, "its restored copy alone", restored=True, loader=False, exists=False),
    ]
    return plan.clean_up(settings(), NEW, leftovers, "2026-11-21T09:30:00.000Z")


def clean_up_of_nothing() -> str:
    """All is kept."""
    return plan.clean_up(settings(), NEW, [], "2026-11-21T09:30:00.000Z")


def replay() -> str:
    """An hour."""
    since, until = "2026-11-22T08:00:00.000Z", "2026-11-22T09:00:00.000Z"
    found = deployment(since, until, f"{OLD}.replay-20261122080000-20261122090000")
    return plan.replay(settings(), found, _command(found), [OLD])


CASES = (
    rebuild_from_a_snapshot,
    rebuild_with_a_new_snapshot,
    rebuild_into_another_cluster,
    roll_back,
    clean_up,
    clean_up_of_nothing,
    replay,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_plan_is_the_committed_text(case: Callable[[], str]) -> None:
    file = PLANS / f"{case.__name__}.txt"
    text = case()
    if os.environ.get(RENEW):
        PLANS.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        pytest.fail(f"{file.name} was written anew; run the tests again without {RENEW}")
    assert text == file.read_text(encoding="utf-8")


def test_no_plan_is_committed_that_no_test_makes() -> None:
    assert {path.stem for path in PLANS.iterdir()} == {case.__name__ for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_plan_is_the_same_at_every_rendering(case: Callable[[], str]) -> None:
    assert case() == case()
