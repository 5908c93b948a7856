"""Operators of the migration's runbooks: one for each step, so that a graph reads like the runbook.

Example::

    with DAG("prepare_shop", schedule=None):
        parameters = PrepareOperator(task_id="target.parameters", migration="shop", step="target.parameters")
        create = PrepareOperator(task_id="target.create", migration="shop", step="target.create")
        parameters >> create
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from livemove.migration import clone, finish, prepare, watch
from livemove.migration.base import MigrationOperator
from livemove.migration.known import find
from livemove.migration.settings import migration_names
from livemove.migration.steps import Step
from livemove.migration.topology import Servers
from livemove.migration.triggers import StepTrigger
from livemove.runbook.failing import problems_reported
from livemove.runbook.report import say

if TYPE_CHECKING:
    from airflow.sdk import Context


class StepOperator(BaseOperator):
    """Take one step of a runbook, waiting in the triggerer. It can be killed and cleared at any time.

    :param migration: name of the file in `include/migrations`, without `.yaml`.
    :param step: id of the step.
    :param timeout_hours: how long it may wait in all; by default `limits.prepare_hours` of the file.
    :param plan_only: skip the step, and with it what follows.
    :param poll_seconds: the longest pause between two looks while it waits.
    """

    template_fields: Sequence[str] = ("migration", "plan_only")
    ui_color = "#eaf5ea"
    #: What the file describes: a migration, or a clone.
    kind = "migration"

    def __init__(
        self,
        *,
        migration: str,
        step: str,
        plan_only: bool = False,
        timeout_hours: float | None = None,
        poll_seconds: float = 15,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.migration = migration
        self.step = step
        self.plan_only = plan_only
        self.timeout_hours = timeout_hours
        self.poll_seconds = poll_seconds

    def servers(self) -> Any:
        """The servers of the file."""
        return Servers.named(self.migration)

    def made(self, servers: Any) -> Step:
        """The step."""
        raise NotImplementedError

    def execute(self, context: Context) -> str:
        """Do what is missing.

        :raises AirflowSkipException: the run is to plan only.
        """
        if self.plan_only:
            raise AirflowSkipException("The run is to plan only: the log of `check` has the plan.")
        return self._go_on(context, None)

    def resume(self, context: Context, event: dict[str, Any]) -> str:
        """Go on after a wait.

        :raises RuntimeError: the time was up.
        """
        self.log.info("%s", event["seen"])
        if not event["ready"]:
            raise RuntimeError(
                f"{self.step}: waited too long: {event['seen']}. Look at it in the RDS console, then clear this task; "
                "the limit is `limits.prepare_hours`."
            )
        return self._go_on(context, event["ends_at"])

    def _go_on(self, context: Context, ends_at: float | None) -> str:
        with problems_reported(context):
            servers = self.servers()
            step = self.made(servers)
            pending = step.advance()
            if pending is None:
                done = step.done()
                self.log.info("%s", done)
                say(context, done)
                return done
            hours = self.timeout_hours or servers.settings.limits.prepare_hours
            ends = ends_at or time.time() + hours * 3600
        self.log.info("Waiting up to %.0f s: %s.", ends - time.time(), pending.reason)
        waits = [wait.as_json() for wait in pending.waits]
        trigger = StepTrigger(
            self.migration, pending.reason, pending.role.value, waits, ends, self.poll_seconds, self.kind
        )
        return self.defer(trigger=trigger, method_name="resume")  # type: ignore[no-any-return]


class CheckPrepareOperator(MigrationOperator):
    """Look at the source and at what exists, print the plan, and refuse what could not work. Changes nothing.

    :returns: the evidence, as Markdown; the plan's text is in XCom under `plan`.
    """

    def work(self, context: Context, servers: Servers) -> str:
        """Check, render the plan and log both."""
        evidence = prepare.check(servers)
        self.log.info("\n%s", evidence.markdown())
        plan = prepare.render(servers.settings, find(servers), servers)
        self.log.info("\n%s", plan)
        context["ti"].xcom_push(key="plan", value=plan)
        evidence.raise_if_worse()
        say(context, f"{len(evidence.checks)} checks: none forbids it, {len(evidence.warnings)} warn")
        return evidence.markdown()


class CheckFinishOperator(MigrationOperator):
    """Look for every sign that what is to be retired is still used, and print the plan. Changes nothing.

    :returns: evidence and plan, as Markdown, for the approval.
    """

    def work(self, context: Context, servers: Servers) -> str:
        """Check, render the plan and log both."""
        outcome = servers.outcome()
        plan = finish.render(servers.settings, outcome, finish.stamp(servers, outcome))
        self.log.info("\n%s", plan)
        evidence = finish.check(servers, outcome)
        self.log.info("\n%s", evidence.markdown())
        context["ti"].xcom_push(key="plan", value=plan)
        evidence.raise_if_worse()
        say(context, f"{len(evidence.checks)} checks: none forbids it, {len(evidence.warnings)} warn")
        return f"{evidence.markdown()}\n{plan}"


class FinishOperator(StepOperator):
    """Take one step of `migration_finish`: `retire_source`, `retire_fallback` or `record`.

    :param lift_protection: switch deletion protection off first.
    """

    template_fields: Sequence[str] = (*StepOperator.template_fields, "lift_protection")
    ui_color = "#fbeaea"

    def __init__(self, *, lift_protection: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lift_protection = lift_protection

    def made(self, servers: Servers) -> Step:
        """The step."""
        return finish.steps(lift_protection=bool(self.lift_protection))[self.step](servers)


class WatchedMigrationsOperator(BaseOperator):
    """List the migrations that are to be watched. A file that cannot be read is listed too: its own task says why.

    :param only: look at these files; none means all.
    :returns: their names.
    """

    template_fields: Sequence[str] = ("only",)

    def __init__(self, *, only: Sequence[str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.only = only

    def execute(self, context: Context) -> list[str]:
        """Look at all files."""
        found = []
        for name in self.only or migration_names():
            try:
                watched = watch.is_watched(Servers.named(name))
            except Exception as error:
                self.log.warning("%s: %s", name, error)
                watched = True
            if watched:
                found.append(name)
        self.log.info("To be watched: %s", ", ".join(found) or "none")
        return found


class WatchOperator(MigrationOperator):
    """Look once at a migration, and bring the ledger of GTIDs up to date. Fails where something forbids to go on.

    :returns: the evidence, as Markdown.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs["map_index_template"] = kwargs.get("map_index_template") or "{{ livemove_label }}"
        super().__init__(**kwargs)

    def execute(self, context: Context) -> Any:
        """Look, log, and alarm."""
        context["livemove_label"] = self.migration
        return super().execute(context)

    def work(self, context: Context, servers: Servers) -> str:
        """Look once."""
        evidence = watch.watch(servers)
        text = evidence.markdown()
        self.log.info("\n%s", text)
        done = f"{len(evidence.checks)} checks, {len(evidence.stops)} alarm, {len(evidence.warnings)} warn"
        context["livemove_label"] = f"{self.migration}: {done}"
        say(context, f"{self.migration}: {done}")
        context["ti"].xcom_push(key="return_value", value=text)
        if evidence.stops:
            # A look that could not be taken may work the next time; retries come before the alarm.
            raise RuntimeError("; ".join(f"{check.name}: {check.figures}" for check in evidence.stops))
        return text


class PrepareOperator(StepOperator):
    """Take one step of `migration_prepare`; its ids are those of `livemove.migration.prepare.steps`."""

    def made(self, servers: Servers) -> Step:
        """The step."""
        return prepare.steps()[self.step](servers)


class CheckCloneOperator(BaseOperator):
    """Print the plan of a clone. Changes nothing.

    :param clone: name of the file in `include/clones`.
    :returns: the plan, for the approval.
    """

    template_fields: Sequence[str] = ("clone",)

    def __init__(self, *, clone: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.clone = clone

    def execute(self, context: Context) -> str:
        """Render the plan and log it."""
        with problems_reported(context):
            plan = clone.render(clone.CloneServers.named(self.clone))
            self.log.info("\n%s", plan)
            context["ti"].xcom_push(key="plan", value=plan)
            return f"```\n{plan}```"


class CloneOperator(StepOperator):
    """Take one step of `aurora_clone_replication`; its ids are those of `livemove.migration.clone.all_steps`.

    :param migration: name of the file in `include/clones`.
    """

    kind = "clone"

    def servers(self) -> Any:
        """The servers of the file."""
        return clone.CloneServers.named(self.migration)

    def made(self, servers: Any) -> Step:
        """The step."""
        return clone.all_steps()[self.step](servers)
