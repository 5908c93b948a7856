"""Runs an operator as Airflow would: execute, the triggers that it defers to, and resume, until it ends."""

from __future__ import annotations

import asyncio
import importlib
import json
from typing import Any

from airflow.sdk.exceptions import TaskDeferred
from airflow.triggers.base import BaseTrigger

from livemove.rds.base import RdsOperator


def remade(trigger: BaseTrigger) -> BaseTrigger:
    """A trigger as the triggerer makes it, from what was stored in the database."""
    path, arguments = trigger.serialize()
    module, name = path.rsplit(".", 1)
    made: BaseTrigger = getattr(importlib.import_module(module), name)(**json.loads(json.dumps(arguments)))
    return made


async def fired(trigger: BaseTrigger) -> dict[str, Any]:
    """What a trigger says in the end."""
    async for event in trigger.run():
        return dict(event.payload)
    raise AssertionError("the trigger ended without an event")


def play(operator: RdsOperator, context: dict[str, Any] | None = None) -> Any:
    """What the operator returns in the end."""
    method, arguments = "execute", {}
    for _ in range(200):
        try:
            return getattr(operator, method)(context or {}, **arguments)
        except TaskDeferred as deferred:
            event = asyncio.run(fired(remade(deferred.trigger)))
            method, arguments = deferred.method_name, {"event": event, **(deferred.kwargs or {})}
    raise AssertionError("the operator defers without end")
