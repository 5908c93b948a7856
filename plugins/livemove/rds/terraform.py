"""Terraform `import` blocks for what was made, so that it can be taken into the users' own code. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from livemove.rds.call import Call
from livemove.rds.states import Kind

_TYPES: Final = {
    Kind.INSTANCE: "aws_db_instance",
    Kind.CLUSTER: "aws_rds_cluster",
    Kind.INSTANCE_SNAPSHOT: "aws_db_snapshot",
    Kind.CLUSTER_SNAPSHOT: "aws_db_cluster_snapshot",
    Kind.PARAMETER_GROUP: "aws_db_parameter_group",
    Kind.CLUSTER_PARAMETER_GROUP: "aws_rds_cluster_parameter_group",
}


@dataclass(frozen=True)
class Resource:
    """A resource as Terraform's AWS provider names it.

    :param type: such as `aws_rds_cluster`.
    :param identifier: what it is imported by.
    """

    type: str
    identifier: str

    @property
    def address(self) -> str:
        """Its address in Terraform: `aws_rds_cluster.shop_aurora`."""
        name = re.sub(r"[^A-Za-z0-9_]", "_", self.identifier)
        return f"{self.type}.{name if name[:1].isalpha() else f'_{name}'}"


def resource_of(call: Call) -> Resource:
    """What a call makes."""
    if call.subject.kind is Kind.INSTANCE and "DBClusterIdentifier" in call.parameters:
        return Resource("aws_rds_cluster_instance", call.subject.identifier)
    return Resource(_TYPES[call.subject.kind], call.subject.identifier)


def import_blocks(resources: Iterable[Resource]) -> str:
    """Render import blocks (Terraform 1.5 and later), ordered by address.

    `terraform plan -generate-config-out=FILE` writes the resources that belong to them.
    """
    blocks = {each.address: each for each in resources}
    return "\n".join(
        f"import {{\n  to = {address}\n  id = {_quoted(blocks[address].identifier)}\n}}\n" for address in sorted(blocks)
    )


def _quoted(text: str) -> str:
    # Terraform reads ${ and %{ as templates.
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
