"""Operators of `migration_cutover` and `migration_fall_back`.

Example::

    with DAG("move_shop", schedule=None):
        check = CheckSwitchOperator(task_id="check", migration="shop", direction="cutover")
        approve = ApproveOperator(task_id="approve", what="the cutover of shop", body="{{ ti.xcom_pull('check') }}")
        cut_over = SwitchOperator(task_id="cut_over", migration="shop", direction="cutover")
        check >> approve >> cut_over
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import AirflowSkipException

from livemove.migration import rejoin
from livemove.migration.base import MigrationOperator
from livemove.migration.cutover import Cutover
from livemove.migration.fall_back import FallBack
from livemove.migration.preflight import evidence
from livemove.migration.settings import Role
from livemove.migration.switch import Direction
from livemove.migration.switching import Switching
from livemove.migration.topology import Servers
from livemove.rds import steps
from livemove.runbook.evidence import Evidence
from livemove.runbook.report import say

if TYPE_CHECKING:
    from airflow.sdk import Context

_KINDS: dict[Direction, type[Switching]] = {"cutover": Cutover, "fall_back": FallBack}
_EVIDENCE = "evidence"


def switching(servers: Servers, direction: Direction) -> Switching:
    """The cutover or the fall back of a migration, which measures its evidence anew."""
    return _KINDS[direction](servers, lambda: evidence(servers, servers.settings, direction))


class CheckSwitchOperator(MigrationOperator):
    """Measure the evidence and print the plan. Changes nothing that an application sees.

    :param direction: `cutover` or `fall_back`.
    :returns: evidence and plan as Markdown, for the approval.
    """

    def __init__(self, *, direction: Direction, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.direction = direction

    def work(self, context: Context, servers: Servers) -> str:
        """Measure, render, and refuse what the evidence forbids."""
        found = evidence(servers, servers.settings, self.direction)
        plan = "\n".join(self.plan(servers))
        text = f"{found.markdown()}\n## Plan\n\n```\n{plan}\n```\n"
        self.log.info("\n%s", text)
        context["ti"].xcom_push(key="plan", value=plan)
        context["ti"].xcom_push(key=_EVIDENCE, value=found.as_json())
        found.raise_if_worse()
        say(context, f"{len(found.checks)} checks: none forbids it, {len(found.warnings)} warn")
        return text

    def plan(self, servers: Servers) -> list[str]:
        """The plan, with what follows the switch."""
        lines = switching(servers, self.direction).plan()
        return lines if self.direction == "cutover" else [*lines, "7. Afterwards", *_indented(rejoin.Rejoin(servers))]


def _indented(joining: rejoin.Rejoin) -> list[str]:
    return [f"   {line}" for line in joining.plan()]


class SwitchOperator(MigrationOperator):
    """Move the application: one task, never deferred while writes are stopped, beside a dead-man's process.

    The evidence is measured anew first; what is worse than approved fails the run with nothing changed. Where an
    earlier attempt was killed, it is ended first: undone before its point of no return, completed after it.

    :param direction: `cutover` or `fall_back`.
    :param checked_by: the task whose evidence was approved; None if nobody had to approve.
    :param plan_only: skip the switch, and with it what follows, even if the approval was marked as given.
    :returns: the outcome, the steps with their times, and the seconds that writes were stopped.
    """

    template_fields: Sequence[str] = (*MigrationOperator.template_fields, "plan_only")

    def __init__(
        self, *, direction: Direction, checked_by: str | None = "check", plan_only: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.direction = direction
        self.checked_by = checked_by
        self.plan_only = plan_only

    def execute(self, context: Context) -> Any:
        """Switch.

        :raises AirflowSkipException: the run is to plan only.
        """
        if self.plan_only:
            raise AirflowSkipException("The run is to plan only: the log of `check` has the plan.")
        return super().execute(context)

    def work(self, context: Context, servers: Servers) -> dict[str, Any]:
        """Switch."""
        seen = context["ti"].xcom_pull(task_ids=self.checked_by, key=_EVIDENCE) if self.checked_by else None
        report = switching(servers, self.direction).run(Evidence.from_json(seen) if seen else None)
        seconds = report.get("stopped_seconds")
        stopped = "an earlier attempt was completed" if seconds is None else f"writes were stopped for {seconds} s"
        say(context, f"{report['outcome']}; {stopped}: " + "; ".join(report["steps"]))
        return report


class VerifyChainOperator(MigrationOperator):
    """Prove by a heartbeat that changes of the serving server reach the others.

    :param serving: role of the server that serves.
    :param followers: roles that replicate from it, directly or not.
    """

    def __init__(self, *, serving: str, followers: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.serving = serving
        self.followers = followers

    def work(self, context: Context, servers: Servers) -> list[str]:
        """Write a heartbeat, and read it."""
        told = rejoin.arrived(servers, Role(self.serving), tuple(Role(each) for each in self.followers))
        say(context, "; ".join(told))
        return told


class TriageOperator(MigrationOperator):
    """List what 2 and 3 can no longer get from 4; refuse what is not known to be harmless.

    :returns: `gtids`, empty if there are none, and `text`, for the person who signs.
    """

    def work(self, context: Context, servers: Servers) -> dict[str, str]:
        """Look each one up in the ledger."""
        found = rejoin.find(servers)
        self.log.info("\n%s", found.markdown())
        found.raise_if_refused()
        say(context, f"{found.gtids.count()} purged transactions have to be skipped")
        return {"gtids": str(found.gtids), "text": found.markdown()}


class SignOperator(ApprovalOperator):
    """Have a person sign the transactions that are to be skipped; skipped itself when there are none.

    :param gtids: the GTID set; may be empty.
    :param text: how they are listed.
    """

    template_fields: Sequence[str] = ("subject", "body", "gtids")

    def __init__(self, *, gtids: str, text: str, **kwargs: Any) -> None:
        kwargs.setdefault("fail_on_reject", True)
        super().__init__(subject="Sign the transactions that are skipped", body=text, **kwargs)
        self.gtids = gtids

    def execute(self, context: Context) -> Any:
        """Ask, if there is something to sign."""
        if not self.gtids:
            raise AirflowSkipException("No transaction has to be skipped, so there is nothing to sign.")
        return super().execute(context)


class RejoinOperator(MigrationOperator):
    """Let 2, and with it 3, replicate from 4.

    :param signed: the GTIDs that a person has signed to be skipped.
    """

    template_fields: Sequence[str] = ("migration", "signed")

    def __init__(self, *, signed: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.signed = signed

    def work(self, context: Context, servers: Servers) -> dict[str, Any]:
        """Skip what was signed, replicate, and prove it by a heartbeat."""
        report = rejoin.Rejoin(servers).run(self.signed or "")
        skipped = "; ".join(f"{name} skipped {gtids}" for name, gtids in report["skipped"].items())
        say(context, "; ".join(filter(None, [skipped, *report["channels"]])))
        return report


class StandbyOperator(MigrationOperator):
    """Ask RDS to give 4 a standby (Multi-AZ), now that it serves. It takes about 20 minutes, which nobody waits for."""

    def work(self, context: Context, servers: Servers) -> None:
        """Ask, unless the file says otherwise or it is so."""
        if not servers.settings.fallback.multi_az_after_fall_back:
            raise AirflowSkipException("fallback.multi_az_after_fall_back is false.")
        name = servers.settings.fallback.identifier
        waits = steps.make_multi_az(servers.rds(Role.FALLBACK), name)
        done = f"{name} is being given a standby" if waits else f"{name} has a standby"
        say(context, done, f"- Look in the RDS console whether {name} is Multi-AZ." if waits else "")
