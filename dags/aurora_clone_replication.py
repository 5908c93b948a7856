"""
# Replicate from an Aurora cluster to a clone of it

Moves a live Aurora cluster without a dump: a clone (copy-on-write) is made, and replicates from the place in the
source's binary log at which it was made. Secondary indexes, constraints and defaults come along, as DMS would not.

**Before you start.** Write a file like `include/clones/example.yaml` and make the connections that it names. If the
source's binary log is off, its writer is rebooted once: have a maintenance window. Run this with *plan only* first.

**What happens**

1. *check*: prints the plan.
2. *approve*: you decide. A rejection fails the run, and nothing has been changed.
3. *binlog*: the source's parameter group switches the binary log on; its writer is rebooted only if it was off.
4. *source*: the replication user, and the retention of binary logs.
5. *clone*: the clone and its writer, with a parameter group that needs no reboot later.
6. *replicate*: the position from the clone's own event, proven to come before any restart of the clone and to be in a
   binary log that the source still has; then replication from there, with TLS.
7. *caught_up*: a row written on the source is read on the clone.
8. *report*.

**When something fails.** The task says what is wrong. Clear it afterwards: every step looks first. If the clone was
rebooted before it replicated, its position is lost: delete it and run this again. Duplicate rows or foreign keys that
fail mean that something wrote to the clone; do not skip them before you know what.

**Ways back.** The source goes on as before. Delete the clone to give up.
"""

from __future__ import annotations

from airflow.sdk import DAG, chain

from livemove.migration.clone_settings import clone_names
from livemove.migration.operators import CheckCloneOperator, CloneOperator
from livemove.runbook.approval import ApproveOperator
from livemove.runbook.forms import file_param, plan_only_param, retried
from livemove.runbook.report import ReportOperator

CLONE, PLAN_ONLY = "{{ params.clone }}", "{{ params.plan_only }}"

with DAG(
    dag_id="aurora_clone_replication",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    tags=["mysql", "aurora", "clone"],
    params={
        "clone": file_param("Clone", "include/clones", clone_names()),
        "plan_only": plan_only_param("Print each statement and call in the log of `check`"),
    },
    render_template_as_native_obj=True,
    default_args=retried(),
):
    check = CheckCloneOperator(task_id="check", clone=CLONE)
    approve = ApproveOperator(
        task_id="approve",
        what=f"replication to the clone of {CLONE}",
        body="{{ ti.xcom_pull(task_ids='check') }}",
        plan_only=PLAN_ONLY,
    )
    steps = [
        CloneOperator(task_id=name, step=name, migration=CLONE, plan_only=PLAN_ONLY)
        for name in ("binlog", "source", "clone", "replicate", "caught_up")
    ]
    report = ReportOperator(task_id="report", title=f"Replicate to the clone of {CLONE}")

    # A reboot of the clone before it replicates loses its position, so what needs one comes before the clone.
    chain(check, approve, *steps, report)
