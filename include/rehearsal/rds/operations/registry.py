"""Where operations are found by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from rehearsal.rds.world import World

Parameters: TypeAlias = "dict[str, Any]"
Operation: TypeAlias = "Callable[[World, Parameters], dict[str, Any]]"
OPERATIONS: dict[str, Operation] = {}


def operation(function: Operation) -> Operation:
    """Offer a function as the operation of its name: `create_db_instance` is CreateDBInstance."""
    words = ("DB" if word == "db" else word.capitalize() for word in function.__name__.split("_"))
    OPERATIONS["".join(words)] = function
    return function
