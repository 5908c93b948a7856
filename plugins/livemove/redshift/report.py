"""What a run moved and what failed: collected from its tasks, written as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from livemove.redshift.findings import Finding
from livemove.runbook.table import markdown_table

if TYPE_CHECKING:
    from airflow.sdk import Context

STEPS = ("extract", "stage", "merge", "maintain")


@dataclass
class TableResult:
    """What became of one table.

    :ivar failed: the step that did not succeed; None if all did.
    :ivar problem: why, as far as it is known.
    """

    sync: str
    table: str
    read: dict[str, Any] = field(default_factory=dict)
    merged: dict[str, Any] = field(default_factory=dict)
    upkeep: dict[str, Any] = field(default_factory=dict)
    failed: str | None = None
    problem: str = ""

    def cells(self) -> list[str]:
        """Its line in the report."""
        read = self.read
        return [
            f"{self.sync}.{self.table}",
            f"**failed** at {self.failed}" if self.failed else "ok",
            "all rows" if read.get("full") else "changes" if read else "",
            f"{read['rows']:,}" if read else "",
            f"{self.merged['rows']:,}" if self.merged else "",
            f"{read.get('bytes', 0) / 1e6:,.1f}" if read else "",
            f"{read.get('seconds', 0):,.1f}" if read else "",
            ", ".join(self.upkeep.get("did", [])),
        ]


HEADINGS = ["table", "result", "what", "rows read", "rows merged", "MB in S3", "seconds to read", "upkeep"]


def render(results: Sequence[TableResult], source_problems: Sequence[str], warnings: Sequence[str]) -> str:
    """The report's text."""
    failed = [result for result in results if result.failed]
    merged = sum(result.merged.get("rows", 0) for result in results)
    lines = [
        f"# {len(results) - len(failed)} of {len(results)} tables are up to date, {merged:,} rows merged",
        "",
    ]
    lines += [f"- **not read at all:** {problem}" for problem in source_problems]
    lines += [f"- {warning}" for warning in warnings]
    if results:
        # A table right below a list would count as part of it.
        lines += [""] if source_problems or warnings else []
        lines += [markdown_table(HEADINGS, [result.cells() for result in results])]
    findings = [(result, Finding(**finding)) for result in results for finding in result.read.get("findings", [])]
    if findings:
        lines += ["", "## Values that were not carried over exactly", ""]
        lines += [f"- {result.sync}.{result.table}.{finding}" for result, finding in findings]
    if failed:
        lines += ["", "## What to do", ""]
        for result in failed:
            problem = result.problem.replace("\n", "\n  ") or "see the log of the task"
            lines.append(f"- {result.sync}.{result.table}: {problem}")
        lines += ["", "Then clear the failed tasks; what is done already is not done again."]
    return "\n".join(lines)


class ListTablesOperator(BaseOperator):
    """List the tables of all syncs whose bounds were read, for the mapped task groups.

    :param source_group: id of the task group that holds `check` and `bounds`.
    """

    def __init__(self, *, source_group: str = "source", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source_group = source_group

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Return one mapping for each table."""
        found = context["ti"].xcom_pull(task_ids=f"{self.source_group}.bounds", default=None)
        every = found if isinstance(found, (list, tuple)) else [found]
        listed = [
            {"sync": bounds["sync"], "table": table, "bounds": bounds}
            for bounds in every
            if bounds
            for table in bounds["tables"]
        ]
        self.log.info("%s tables: %s", len(listed), ", ".join(f"{one['sync']}.{one['table']}" for one in listed))
        return listed


class ReportSyncOperator(BaseOperator):
    """Write the report of a run, and fail if anything failed.

    :returns: the report, as Markdown.
    """

    def execute(self, context: Context) -> str:
        """Collect, log, and fail by choice."""
        ti = context["ti"]
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])[ti.run_id]
        listed = list(ti.xcom_pull(task_ids="tables") or [])
        results = [self._result(ti, states, place, one) for place, one in enumerate(listed)]
        problems = list(self._source_problems(ti, states))
        warnings = sorted({warning for one in listed for warning in one["bounds"]["warnings"]})
        report = render(results, problems, warnings)
        self.log.info("\n%s", report)
        failed = [f"{result.sync}.{result.table}" for result in results if result.failed]
        if failed or problems:
            ti.xcom_push(key="return_value", value=report)
            raise AirflowFailException(f"Failed: {', '.join(failed + problems)}. The report above says what to do.")
        return report

    def _result(self, ti: Any, states: dict[str, Any], place: int, one: dict[str, Any]) -> TableResult:
        def pull(step: str, key: str = "return_value") -> Any:
            return ti.xcom_pull(task_ids=f"table.{step}", key=key, map_indexes=place) or {}

        failed = next((step for step in STEPS if states.get(f"table.{step}_{place}") != "success"), None)
        problem = pull(failed, "problem") if failed else ""
        return TableResult(
            one["sync"], one["table"], pull("extract"), pull("merge"), pull("maintain"), failed, problem or ""
        )

    def _source_problems(self, ti: Any, states: dict[str, Any]) -> list[str]:
        problems = []
        for task, state in sorted(states.items()):
            if task.startswith("source.") and state == "failed":
                step, _, place = task.rpartition("_")
                text = ti.xcom_pull(task_ids=step, key="problem", map_indexes=int(place)) or "see its log"
                problems.append(f"{step} [{place}]: {text}")
        if states.get("choose") == "failed":
            problems.append(f"choose: {ti.xcom_pull(task_ids='choose', key='problem') or 'see its log'}")
        return problems
