"""Looking, waiting, and making one call: what all steps are made of."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from livemove.rds import facts, naming
from livemove.rds.calls import Call
from livemove.rds.faults import AlreadyThere, NotNow
from livemove.rds.hook import RdsHook
from livemove.rds.states import Kind, Subject
from livemove.rds.waits import Look, Wait, judge_wait
from livemove.runbook.errors import NeedsPerson, TryAgain

log = logging.getLogger(__name__)

Waits = list[Wait]
Step = Callable[[], Waits]


def look(hook: RdsHook, wait: Wait) -> Look:
    """Look once at what is waited for.

    :raises NeedsPerson: its state is one that waiting does not heal.
    """
    description = hook.look(wait.subject)
    if description is not None:
        description = {**description, **_derived(hook, wait, description)}
    return judge_wait(wait, description)


def _derived(hook: RdsHook, wait: Wait, description: Mapping[str, Any]) -> dict[str, Any]:
    """What a wait expects that the description alone does not tell."""
    told: dict[str, Any] = {}
    if "PendingReboot" in wait.expect or "Applying" in wait.expect:
        statuses = parameter_statuses(hook, description)
        told |= {"PendingReboot": "pending-reboot" in statuses, "Applying": "applying" in statuses}
    if "RestartedSince" in wait.expect:
        told["RestartedSince"] = restarted_since(
            hook, wait.identifier, datetime.fromisoformat(wait.expect["RestartedSince"])
        )
    return told


def parameter_statuses(hook: RdsHook, instance: Mapping[str, Any]) -> set[str]:
    """How far the parameters of an instance's own group, and of its cluster's, are applied to it."""
    cluster = instance.get("DBClusterIdentifier")
    return facts.parameter_statuses(instance, hook.cluster(cluster) if cluster else None)


def restarted_since(hook: RdsHook, instance: str, since: datetime) -> bool:
    """Whether RDS reported a restart of an instance (RDS-EVENT-0006)."""
    events = hook.events(Subject(Kind.INSTANCE, instance), since)
    return any("restarted" in event["Message"].lower() and event["Date"] >= since for event in events)


def complete(hook: RdsHook, step: Step, *, timeout_seconds: float = 3600, poll_seconds: float = 15) -> None:
    """Call a step until nothing is left to wait for, in this process, with a log line at each poll.

    A step that meets a fault which may pass is called again after a poll.

    :param step: returns what to wait for; called again after that.
    :raises TryAgain: time is up; the message says what was still missing.
    """
    started = time.monotonic()
    waits, seen = attempt(step)
    while waits is None or waits:
        left = timeout_seconds - (time.monotonic() - started)
        time.sleep(max(0.0, min(poll_seconds, left)))
        done = True
        if waits:
            seen, done = look_at_all(hook, waits)
            log.info("%s", progress(seen, time.monotonic() - started, timeout_seconds))
        if done:
            waits, fault = attempt(step)
            seen = fault or seen
        # After a last look, so that the message tells what was missing in the end.
        if left <= 0 and (waits is None or waits):
            raise TryAgain(f"Waited {timeout_seconds:.0f} s, then gave up: {seen}.")


def attempt(step: Step) -> tuple[Waits | None, str]:
    """Call a step once; None for its waits if it met a fault that may pass, and the fault."""
    try:
        return step(), ""
    except TryAgain as fault:
        log.info("%s. The step is repeated.", fault)
        return None, str(fault)


def progress(seen: str, elapsed_seconds: float, limit_seconds: float) -> str:
    """A line for the log at each poll."""
    return f"{seen} ({elapsed_seconds:.1f} s of at most {limit_seconds:.0f} s)"


def look_at_all(hook: RdsHook, waits: Sequence[Wait]) -> tuple[str, bool]:
    """Look at all that a step waits for; the first that is not there yet is the text.

    A look that the API answers with a fault which may pass counts as one that says wait.
    """
    text = "nothing to wait for"
    for wait in waits:
        try:
            seen = look(hook, wait)
        except TryAgain as fault:
            return f"{wait.subject}: {fault}", False
        if not seen.done:
            return seen.text, False
        text = seen.text
    return text, True


def usable(hook: RdsHook, subject: Subject, **expect: Any) -> Waits:
    """Wait until a resource is usable; nothing to wait for if it is."""
    wait = Wait(subject.kind, subject.identifier, expect)
    return [] if look(hook, wait).done else [wait]


def make(hook: RdsHook, call: Call, then: Waits) -> Waits:
    """Make a call; where the API says not now, the step is repeated after a look."""
    try:
        hook.run(call)
    except NotNow as refusal:
        log.info("Not yet possible: %s", refusal)
        exists = hook.look(call.subject) is not None
        subject = call.subject if exists or not call.after else call.after[0]
        return [Wait(subject.kind, subject.identifier, because=str(refusal))]
    except AlreadyThere as found:
        log.info("Made meanwhile: %s", found)
    return then


def found(hook: RdsHook, subject: Subject) -> dict[str, Any]:
    """Description of a resource that has to exist.

    :raises NeedsPerson: it does not.
    """
    description = hook.look(subject)
    if description is None:
        raise NeedsPerson(
            f"There is no {subject}. Check the identifier and the Region of the AWS connection {hook.aws_conn_id}."
        )
    return description


def tags_of(hook: RdsHook, description: Mapping[str, Any]) -> dict[str, str]:
    """Tags of a described resource."""
    if "TagList" in description:
        return naming.as_dict(description["TagList"])
    return hook.tags(facts.arn(description))
