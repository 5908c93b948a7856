"""What users copy and edit is complete and true."""

from __future__ import annotations

import json
import re

import yaml

from livemove.migration.clone_settings import CloneSettings, clone_names, load_clone
from livemove.migration.settings import MigrationSettings, load_migration
from livemove.rds import calls
from rehearsal.paths import REPOSITORY

INCLUDE = REPOSITORY / "include"


def blocks() -> list[str]:
    return re.findall(
        r"```yaml\n(.*?)```", (INCLUDE / "migrations" / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )


def test_the_example_of_the_guide_is_a_file_that_names_every_key() -> None:
    document = yaml.safe_load(blocks()[0])
    MigrationSettings.model_validate(document)
    assert set(MigrationSettings.model_fields) - {"name"} == set(document)
    assert set(MigrationSettings.model_fields["limits"].annotation.model_fields) == set(document["limits"])  # type: ignore[union-attr]


def test_the_example_of_the_clone_s_guide_is_a_file() -> None:
    assert CloneSettings.model_validate(yaml.safe_load(blocks()[1])).clone.identifier == "shop-clone"
    assert [load_clone(name).name for name in clone_names()] == clone_names()


def test_the_shipped_example_has_the_defaults_of_the_guide() -> None:
    assert load_migration("example").limits.model_dump() == yaml.safe_load(blocks()[0])["limits"]


def test_the_policy_allows_every_operation_that_the_calls_can_build() -> None:
    policy = json.loads((INCLUDE / "iam" / "migration.json").read_text(encoding="utf-8"))
    allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
    source = "".join(
        path.read_text(encoding="utf-8") for path in (REPOSITORY / "plugins" / "livemove" / "rds").glob("call*.py")
    )
    built = set(re.findall(r'"((?:Create|Modify|Delete|Restore|Promote|Reboot|AddTags)[A-Za-z]+)"', source))
    # No runbook of the migration makes RDS read replicas, promotes instances, or deletes clusters.
    unused = {"CreateDBInstanceReadReplica", "PromoteReadReplica", "DeleteDBCluster", "ModifyDBCluster"}
    assert {f"rds:{name}" for name in built - unused} <= allowed
    assert calls
