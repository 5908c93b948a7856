"""The plans of cutover and fall back are contracts: their whole texts are compared with committed ones.

Where a plan changes on purpose, write the texts anew, read what `git diff` shows, and commit them with the change::

    LIVEMOVE_RENEW_PLANS=1 ./dev test unit

The tests fail in that run, so that it cannot pass for a test.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from livemove.migration import endpoint
from livemove.migration.access import AwsAccess, HttpAccess
from livemove.migration.cutover import Cutover
from livemove.migration.fall_back import FallBack
from livemove.migration.fence import Account, Event, Opening
from livemove.migration.maintenance import MaintenanceMode
from livemove.migration.rejoin import Rejoin
from livemove.migration.settings import MigrationSettings
from livemove.migration.switch_plan import lines
from livemove.migration.switching import Switching
from livemove.migration.topology import Servers
from tests.unit.migration.contracts import compare
from tests.unit.migration.samples import settings

OPENING = Opening(
    (Account("app", "%"), Account("app", "10.0.0.0/255.0.0.0"), Account("batch", "%")),
    (Event("shop", "sum_up_sales", "admin@%"), Event("shop", "it's `odd`", "o'hara@10.0.0.%")),
)
AWS = AwsAccess("eu-central-1", None, "key", "secret", None)


def plan(kind: type[Switching], chosen: MigrationSettings, entering: Opening) -> str:
    switching = kind(Servers(chosen))
    access = HttpAccess("https://app.example") if chosen.endpoint.kind == "http" else AWS
    return "\n".join(
        lines(
            chosen,
            kind.direction,
            opening=OPENING,
            entering_opening=entering,
            turn=switching.turn_texts(),
            shut_entering_first=switching.shut_entering_first(),
            move=endpoint.mover(chosen.endpoint, access, chosen.mysql.port).text,
            maintenance=MaintenanceMode(chosen.maintenance).plan(),
        )
    )


def cutover() -> str:
    """Events of any name and definer, accounts of several hosts, an SSM parameter."""
    return plan(Cutover, settings(), OPENING)


def cutover_with_maintenance_and_http() -> str:
    """The user's own maintenance mode and endpoint."""
    chosen = settings(
        endpoint={"kind": "http", "conn_id": "shop_api", "path": "/database"},
        maintenance={"kind": "http", "conn_id": "shop_api", "on": "/maintenance/on", "off": "/maintenance/off"},
    )
    return plan(Cutover, chosen, Opening())


def cutover_by_persons() -> str:
    """A person does both."""
    return plan(Cutover, settings(endpoint={"kind": "person"}, maintenance={"kind": "person"}), Opening())


def fall_back() -> str:
    """A record of Route 53; what follows once writes are back."""
    chosen = settings(endpoint={"kind": "route53", "zone_id": "Z1", "record": "db.shop.example", "ttl": 5})
    return "\n".join([plan(FallBack, chosen, OPENING), "", "Afterwards", *Rejoin(Servers(chosen)).plan()])


def fall_back_with_a_secret() -> str:
    """Host and port in a secret."""
    keys = {"host": "DB_HOST", "port": "DB_PORT"}
    return plan(FallBack, settings(endpoint={"kind": "secret", "name": "shop/db", "keys": keys}), Opening())


CASES = [cutover, cutover_with_maintenance_and_http, cutover_by_persons, fall_back, fall_back_with_a_secret]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_plan_is_the_committed_one(case: Callable[[], str]) -> None:
    compare(case.__name__, case() + "\n")
