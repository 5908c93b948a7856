"""
# Clean up after index rebuilds

Deletes indices that were replaced, their restored copies and loaders, and the markers of documents that were deleted
so long ago that no stream holds an older change.

**Before you start.** Be sure: with the old index the quick way back is gone. Run this with *plan only* first: `check`
lists what would be deleted, and what is kept and why.

**What happens**

1. *check*: an index is deleted when it was replaced at least `keep_hours` ago and no alias points to it. One that
   never came to the swap is deleted only with *unfinished*. The loader of the live index has to run.
2. *approve*: you decide. A rejection fails the run, and nothing has been changed.
3. *delete*: the checks again; then, one after the other, loader, restored copy and index.
4. *purge_markers*: from the live index.

**When something fails.** The task says what is wrong. Mend it and clear the task: what is gone already stays gone.

**Ways back.** None for what is deleted but the cluster's snapshots.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, chain

from livemove.rebuild.operators import CheckCleanUpOperator, DeleteIndicesOperator, RebuildStepOperator
from livemove.rebuild.settings import index_names
from livemove.runbook.approval import ApproveOperator
from livemove.runbook.forms import file_param, plan_only_param, retried
from livemove.runbook.report import ReportOperator

ALIAS, PLAN_ONLY = "{{ params.alias }}", "{{ params.plan_only }}"

with DAG(
    dag_id="index_clean_up",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    tags=["elasticsearch", "rebuild"],
    params={
        "alias": file_param("Alias", "include/indices", index_names()),
        "plan_only": plan_only_param("List what would be deleted in the log of `check`"),
        "keep_hours": Param(
            None,
            type=["null", "number"],
            minimum=0,
            title="Keep hours",
            description="How long what was replaced stays; leave it empty for what index.yaml says.",
        ),
        "unfinished": Param(
            False,
            type="boolean",
            title="Unfinished",
            description="Delete indices that never came to the swap, too. Be sure that no rebuild is running.",
        ),
    },
    render_template_as_native_obj=True,
    default_args=retried(),
):
    what = {"alias": ALIAS, "keep_hours": "{{ params.keep_hours }}", "unfinished": "{{ params.unfinished }}"}
    check = CheckCleanUpOperator(task_id="check", **what)
    approve = ApproveOperator(
        task_id="approve",
        what=f"the clean-up of {ALIAS}",
        body="{{ ti.xcom_pull(task_ids='check') }}",
        plan_only=PLAN_ONLY,
    )
    delete = DeleteIndicesOperator(task_id="delete", plan_only=PLAN_ONLY, **what)
    purge = RebuildStepOperator(
        task_id="purge_markers",
        step="purge_markers",
        alias=ALIAS,
        given={"before": "{{ ti.xcom_pull(task_ids='check', key='purge_before') }}"},
        plan_only=PLAN_ONLY,
    )
    report = ReportOperator(task_id="report", title=f"Clean up {ALIAS}")

    chain(check, approve, delete, purge, report)
