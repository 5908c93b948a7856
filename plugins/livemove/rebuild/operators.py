"""Operators of `index_rebuild`, `index_roll_back`, `index_clean_up` and `stream_replay`; those show their use.

Those of the rooms `search` and `stream` do single things and can be used alone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from livemove.rebuild import plan, replay, roll_back, swapping, verification
from livemove.rebuild.clean_up import CleanUp
from livemove.rebuild.preflight import Preflight
from livemove.rebuild.rebuild import Rebuild
from livemove.rebuild.triggers import StepTrigger
from livemove.rebuild.waits import made
from livemove.runbook.errors import NeedsPerson
from livemove.runbook.evidence import Evidence
from livemove.runbook.failing import problems_reported
from livemove.runbook.report import say
from livemove.search import naming
from livemove.search.waiting import Progress, attempt
from livemove.stream import points

if TYPE_CHECKING:
    from airflow.sdk import Context

EVIDENCE, PLAN = "evidence", "plan"
# A step that ends within this many seconds is not worth the triggerer.
PATIENCE_SECONDS, POLL_SECONDS = 20.0, 0.5


class IndexOperator(BaseOperator):
    """Base of the operators that work on one alias.

    :param alias: name of the folder in `include/indices`.
    :param index: a rebuild's index, to go on with it; empty for one that is named after the run.
    :param plan_only: skip the task, and with it what follows.
    """

    template_fields: Sequence[str] = ("alias", "index", "plan_only")
    ui_color = "#eaf1f7"
    names_index = True

    def __init__(self, *, alias: str, index: str | None = None, plan_only: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alias = alias
        self.index = index
        self.plan_only = plan_only

    def execute(self, context: Context) -> Any:
        """Do the work; a problem that needs a person is not retried.

        :raises AirflowSkipException: the run is to plan only.
        """
        if self.plan_only:
            raise AirflowSkipException("The run is to plan only: the log of `check` has the plan.")
        with problems_reported(context):
            return self.work(context, self.rebuild(context))

    def rebuild(self, context: Context) -> Rebuild:
        """The alias, and the new index."""
        if not self.names_index:
            return Rebuild.named(self.alias)
        return Rebuild.named(self.alias, self.index or naming.new_index(self.alias, context["dag_run"].run_after))

    def work(self, context: Context, rebuild: Rebuild) -> Any:
        """What this operator does."""
        raise NotImplementedError

    def show(self, context: Context, evidence: Evidence, text: str = "") -> str:
        """Log evidence and plan, leave them in XCom, and refuse what forbids to act.

        :returns: both as Markdown, for the approval.
        """
        shown = evidence.markdown() + (f"\n## Plan\n\n```\n{text}```\n" if text else "")
        self.log.info("\n%s", shown)
        context["ti"].xcom_push(key=EVIDENCE, value=evidence.as_json())
        if text:
            context["ti"].xcom_push(key=PLAN, value=text)
        evidence.raise_if_worse(max_age_seconds=3600)
        say(context, f"{len(evidence.checks)} checks: none forbids it, {len(evidence.warnings)} warn")
        return shown


class CheckRebuildOperator(IndexOperator):
    """Look at clusters, snapshot, streams and loader, and print the plan. Changes nothing.

    :returns: evidence and plan as Markdown.
    """

    def work(self, context: Context, rebuild: Rebuild) -> str:
        """Look."""
        look = Preflight(rebuild)
        found = look.evidence()
        try:
            text = look.plan()
        except NeedsPerson as problem:
            # The evidence says it, too, and more.
            self.log.warning("There is no plan: %s", problem)
            text = ""
        return self.show(context, found, text)


class RebuildStepOperator(IndexOperator):
    """Take one step of a rebuild, waiting in the triggerer. It can be killed and cleared at any time.

    :param step: its id in `livemove.rebuild.waits`.
    :param given: what else the step needs.
    :param timeout_hours: how long it may take; by default `limits.rebuild_hours` of the file.
    """

    template_fields: Sequence[str] = (*IndexOperator.template_fields, "given")

    def __init__(
        self, *, step: str, given: dict[str, Any] | None = None, timeout_hours: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.step = step
        self.given = given
        self.timeout_hours = timeout_hours

    def work(self, context: Context, rebuild: Rebuild) -> Any:
        """Go on with the step for a while; then hand it to the triggerer."""
        hours = self.timeout_hours or rebuild.settings.limits.rebuild_hours
        ends_at, patience = time.time() + hours * 3600, time.monotonic() + PATIENCE_SECONDS
        step = made(rebuild.alias, rebuild.index, self.step, self.given or {})
        while time.monotonic() < patience:
            seen = attempt(step)
            self.log.info("%s", seen.text)
            if seen.done:
                return self._done(context, seen)
            time.sleep(POLL_SECONDS)
        trigger = StepTrigger(rebuild.alias, rebuild.index, self.step, self.given or {}, ends_at)
        return self.defer(trigger=trigger, method_name="resume")

    def resume(self, context: Context, event: dict[str, Any]) -> Any:
        """What the triggerer has come to.

        :raises RuntimeError: the time was up.
        """
        with problems_reported(context):
            if event["done"]:
                return self._done(context, Progress(True, event["text"], event["result"]))
            if event.get("problem"):
                raise NeedsPerson(event["text"])
            raise RuntimeError(
                f"{self.step}: waited too long: {event['text']}. Clear this task to wait on; the limit is "
                "`limits.rebuild_hours`."
            )

    def _done(self, context: Context, seen: Progress) -> dict[str, Any]:
        self.log.info("%s", seen.text)
        say(context, seen.text)
        return dict(seen.result)


class VerifyRebuildOperator(IndexOperator):
    """Compare ids, versions and contents with the live index, ask the canaries, look at the loaders.

    :returns: the evidence as Markdown, for the approval.
    """

    def work(self, context: Context, rebuild: Rebuild) -> str:
        """Compare."""
        return self.show(context, verification.evidence(rebuild))


class SwapOperator(IndexOperator):
    """Move the alias, after everything was looked at again.

    :param checked_by: the task whose evidence was approved; None if nobody had to approve.
    """

    def __init__(self, *, checked_by: str | None = "verify", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.checked_by = checked_by

    def work(self, context: Context, rebuild: Rebuild) -> dict[str, Any]:
        """Swap."""
        seen = context["ti"].xcom_pull(task_ids=self.checked_by, key=EVIDENCE) if self.checked_by else None
        left = self._left(rebuild)
        if left != rebuild.index:
            found, held = verification.evidence_again(rebuild, Evidence.from_json(seen) if seen else None)
            self.log.info("\n%s", found.markdown())
            found.raise_if_worse(held, max_age_seconds=600)
        done = swapping.swap(rebuild, left, rebuild.index)
        keep = rebuild.settings.limits.keep_hours
        back = (
            f"- {left} stays, and stays fed. Back: `index_roll_back`. After {keep:g} h: `index_clean_up`."
            if left and not rebuild.is_elsewhere
            else ""
        )
        say(context, done.text(), back)
        return {"paused_ms": done.paused_ms, "alias_ms": done.alias_ms, "left": left, "entered": rebuild.index}

    @staticmethod
    def _left(rebuild: Rebuild) -> str:
        live = rebuild.live()
        if live is None:
            return ""
        return rebuild.state().replaced if live.index == rebuild.index else live.index


class CheckRollBackOperator(IndexOperator):
    """Find the index to go back to, compare it with the live one, and print the plan. Changes nothing.

    :returns: evidence and plan as Markdown; the index is in XCom under `index`.
    """

    names_index = False

    def work(self, context: Context, rebuild: Rebuild) -> str:
        """Look."""
        back = roll_back.target(rebuild, self.index or "")
        going = Rebuild.named(self.alias, back)
        context["ti"].xcom_push(key="index", value=back)
        live = roll_back.live_alias(rebuild)
        return self.show(context, roll_back.evidence(going, live.index), plan.roll_back(rebuild.settings, live, back))


class RollBackOperator(IndexOperator):
    """Move the alias back, after everything was looked at again.

    :param checked_by: the task whose evidence was approved.
    """

    def __init__(self, *, checked_by: str = "check", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.checked_by = checked_by

    def work(self, context: Context, rebuild: Rebuild) -> dict[str, Any]:
        """Swap."""
        seen = context["ti"].xcom_pull(task_ids=self.checked_by, key=EVIDENCE)
        live = rebuild.live()
        left = live.index if live else ""
        if left == rebuild.index:
            left = rebuild.state().replaced
        else:
            roll_back.refuse_worse(rebuild, left, Evidence.from_json(seen) if seen else None)
        done = swapping.swap(rebuild, left, rebuild.index)
        say(context, done.text(), f"- {left} stays, and stays fed; `index_roll_back` again would return to it.")
        return {"paused_ms": done.paused_ms, "alias_ms": done.alias_ms, "left": left, "entered": rebuild.index}


class CheckCleanUpOperator(IndexOperator):
    """List what is no longer needed, with every sign that it is, and print the plan. Changes nothing.

    :param keep_hours: how long what was replaced stays; None for what the file says.
    :param unfinished: whether indices that never came to a swap are deleted, too.
    """

    template_fields: Sequence[str] = (*IndexOperator.template_fields, "keep_hours", "unfinished")
    names_index = False

    def __init__(self, *, keep_hours: float | None = None, unfinished: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keep_hours = keep_hours
        self.unfinished = unfinished

    def cleaning(self, rebuild: Rebuild) -> CleanUp:
        """What is deleted."""
        return CleanUp(rebuild, keep_hours=self.keep_hours, unfinished=bool(self.unfinished))

    def work(self, context: Context, rebuild: Rebuild) -> Any:
        """Look."""
        found = self.cleaning(rebuild)
        context["ti"].xcom_push(key="purge_before", value=points.iso(found.purge_before()))
        return self.show(context, found.evidence(), found.plan())


class DeleteIndicesOperator(CheckCleanUpOperator):
    """Stop the loaders of what is no longer needed, and delete it, looking at everything again."""

    ui_color = "#fbeaea"

    def work(self, context: Context, rebuild: Rebuild) -> str:
        """Delete."""
        done = self.cleaning(rebuild).delete()
        self.log.info("%s", done)
        say(context, done)
        return done


class CheckReplayOperator(IndexOperator):
    """See whether the stream still has a stretch, and print the plan. Changes nothing.

    :param since: where it begins, in ISO 8601.
    :param until: where it ends; empty for now.
    :returns: evidence and plan as Markdown; `since` and `until` are in XCom.
    """

    template_fields: Sequence[str] = (*IndexOperator.template_fields, "since", "until")
    names_index = False

    def __init__(self, *, since: str, until: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.since = since
        self.until = until

    def work(self, context: Context, rebuild: Rebuild) -> str:
        """Look."""
        begins, ends = replay.span(str(self.since or ""), self.until or None, datetime.now(UTC))
        since, until = points.iso(begins), points.iso(ends)
        context["ti"].xcom_push(key="since", value=since)
        context["ti"].xcom_push(key="until", value=until)
        wanted = replay.deployment(rebuild, since, until)
        text = plan.replay(rebuild.settings, wanted, rebuild.deployer.describe(wanted), [rebuild.source_index()])
        return self.show(context, replay.evidence(rebuild, begins), text)


class ProveReplayOperator(IndexOperator):
    """Read the stretch again, and find every document of it in the index.

    :param since: where it begins, as the check has found.
    :param until: where it ends.
    """

    template_fields: Sequence[str] = (*IndexOperator.template_fields, "since", "until")
    names_index = False

    def __init__(self, *, since: str, until: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.since = since
        self.until = until

    def work(self, context: Context, rebuild: Rebuild) -> str:
        """Prove it."""
        done = replay.prove(rebuild, self.since, self.until)
        say(context, done)
        return done
