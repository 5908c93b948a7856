"""
# Replay a stretch of the stream

Writes what the stream of documents held in a span of time to the live index again: after documents were deleted or
changed by hand, or a loader has lost some. What is newer in the index stays.

**Before you start.** Know the span; a little more does no harm. The stream has to hold it still: what is older than
its retention comes back only by `index_rebuild`.

**What happens**

1. *check*: whether the stream still has the span.
2. *approve*: you decide. A rejection fails the run, and nothing has been changed.
3. *replay*: a loader of its own reads the span and ends. The one that feeds the index goes on beside it.
4. *prove*: the span is read once more, and every document of it has to be in the index in that version or a newer one.

**When something fails.** The task says what is wrong. Mend it and clear the task; a replay can be repeated.

**Ways back.** None are needed: versions keep older changes from replacing newer ones.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, chain

from livemove.rebuild.operators import CheckReplayOperator, ProveReplayOperator, RebuildStepOperator
from livemove.rebuild.settings import index_names
from livemove.runbook.approval import ApproveOperator
from livemove.runbook.forms import file_param, plan_only_param, retried
from livemove.runbook.report import ReportOperator

ALIAS, PLAN_ONLY = "{{ params.alias }}", "{{ params.plan_only }}"
SINCE = "{{ ti.xcom_pull(task_ids='check', key='since') }}"
UNTIL = "{{ ti.xcom_pull(task_ids='check', key='until') }}"

with DAG(
    dag_id="stream_replay",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    tags=["elasticsearch", "kinesis"],
    params={
        "alias": file_param("Alias", "include/indices", index_names()),
        "plan_only": plan_only_param("See whether the stream has the span"),
        "since": Param(
            "",
            type="string",
            title="Since",
            description="Where the span begins, such as 2026-11-22T08:30:00Z.",
        ),
        "until": Param(
            None,
            type=["null", "string"],
            title="Until",
            description="Where it ends; leave it empty for now.",
        ),
    },
    render_template_as_native_obj=True,
    default_args=retried(),
):
    check = CheckReplayOperator(task_id="check", alias=ALIAS, since="{{ params.since }}", until="{{ params.until }}")
    approve = ApproveOperator(
        task_id="approve",
        what=f"the replay of {ALIAS}",
        body="{{ ti.xcom_pull(task_ids='check') }}",
        plan_only=PLAN_ONLY,
    )
    again = RebuildStepOperator(
        task_id="replay", step="replay", alias=ALIAS, given={"since": SINCE, "until": UNTIL}, plan_only=PLAN_ONLY
    )
    prove = ProveReplayOperator(task_id="prove", alias=ALIAS, since=SINCE, until=UNTIL, plan_only=PLAN_ONLY)
    report = ReportOperator(task_id="report", title=f"Replay {ALIAS}")

    chain(check, approve, again, prove, report)
