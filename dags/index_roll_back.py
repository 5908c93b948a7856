"""
# Roll an index rebuild back

Moves the alias back to the index that was replaced. It is still fed, so nothing that was written since is lost.

**Before you start.** Nothing has to be prepared. Run this with *plan only* first: `check` compares both indices and
prints the calls.

**What happens**

1. *check*: finds the index that the live one has replaced, sees that its loader runs and is level, asks the canaries,
   and compares the contents of both. A difference warns, and does not forbid: the live index may be what is wrong.
2. *approve*: you decide. A rejection fails the run, and nothing has been changed.
3. *roll_back*: everything but the contents is looked at again; the live index's loader pauses until the other has
   passed it, the alias moves in one call. No search fails, and none goes back in time.

**When something fails.** The task says what is wrong. Mend it and clear the task. A loader that was paused goes on by
itself.

**Ways back.** The index that is left stays, and stays fed: `index_roll_back` with *index* set to it returns.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, chain

from livemove.rebuild.operators import CheckRollBackOperator, RollBackOperator
from livemove.rebuild.settings import index_names
from livemove.runbook.approval import ApproveOperator
from livemove.runbook.forms import file_param, plan_only_param, retried
from livemove.runbook.report import ReportOperator

ALIAS, PLAN_ONLY = "{{ params.alias }}", "{{ params.plan_only }}"

with DAG(
    dag_id="index_roll_back",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    tags=["elasticsearch", "rebuild"],
    params={
        "alias": file_param("Alias", "include/indices", index_names()),
        "plan_only": plan_only_param("Compare both indices, print each call in the log of `check`"),
        "index": Param(
            None,
            type=["null", "string"],
            title="Index",
            description="Where to go; leave it empty for the one that the live index has replaced.",
        ),
    },
    render_template_as_native_obj=True,
    default_args=retried(),
):
    check = CheckRollBackOperator(task_id="check", alias=ALIAS, index="{{ params.index }}")
    approve = ApproveOperator(
        task_id="approve",
        what=f"the roll back of {ALIAS}",
        body="{{ ti.xcom_pull(task_ids='check') }}",
        plan_only=PLAN_ONLY,
    )
    back = RollBackOperator(
        task_id="roll_back",
        alias=ALIAS,
        index="{{ ti.xcom_pull(task_ids='check', key='index') }}",
        plan_only=PLAN_ONLY,
    )
    report = ReportOperator(task_id="report", title=f"Roll back {ALIAS}")

    chain(check, approve, back, report)
