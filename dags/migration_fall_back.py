"""
# Fall back from Aurora to RDS MySQL

The application leaves `target` (2, Aurora) and enters `fallback` (4, RDS), which has replicated all of it. `target`
and `cdc` (3) then replicate from 4, so that change capture goes on. Nothing written since the cutover is lost.

**Before you start.** `migration_cutover` has succeeded and the window is open (`migration_watch` says until when).
Run this with *plan only*: the log of `check` has all evidence and every statement and call.

**What happens**

1. *check* and *approve*, as for the cutover.
2. *fall back*: in one stretch of a second or so, beside a dead-man's process: events off, accounts locked, sessions
   ended on 2; all of it is on 3 and 4; replication of 4 ends, it is proven writable; the endpoint moves; accounts and
   events are opened on 4.
3. *triage*: RDS writes heartbeats of its own, which use up GTIDs of 4. What 4 has purged and 2 or 3 lacks is listed
   with its class from the ledger. What is not known to be harmless is refused.
4. *sign*: only if there is something to skip, you see the list and sign it.
5. *rejoin*: it is skipped on 3, then on 2; 2 replicates from 4; a heartbeat proves it on 2 and 3.
6. *standby*: 4 becomes Multi-AZ, if the file says so.
7. *report*: steps and times, and how long writes were stopped.

**When something fails.** Until 4 is opened, all is undone: the application writes on 2 as before, and 4 replicates
from 3 again. Even a `kill -9` of the task is undone, within 30 s. Once 4 is opened the application is safe there;
clear what failed, it goes on from there. If *triage* refuses, 4 serves, and only 2 and 3 stand still: make them anew.

**Ways back.** None but another migration: 4 serves, and `migration_finish` retires only 1.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, chain

from livemove.migration.cutover_operators import (
    CheckSwitchOperator,
    RejoinOperator,
    SignOperator,
    StandbyOperator,
    SwitchOperator,
    TriageOperator,
)
from livemove.migration.settings import migration_names
from livemove.runbook.approval import ApproveOperator
from livemove.runbook.forms import file_param, plan_only_param, retried
from livemove.runbook.report import ReportOperator

MIGRATION, PLAN_ONLY = "{{ params.migration }}", "{{ params.plan_only }}"
GTIDS = "{{ ti.xcom_pull(task_ids='triage')['gtids'] }}"

with DAG(
    dag_id="migration_fall_back",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    tags=["mysql", "aurora", "migration"],
    params={
        "migration": file_param("Migration", "include/migrations", migration_names()),
        "plan_only": plan_only_param("Measure everything, print each statement and call in the log of `check`"),
    },
    render_template_as_native_obj=True,
    default_args=retried(first_pause=timedelta(seconds=10)),
):
    check = CheckSwitchOperator(task_id="check", migration=MIGRATION, direction="fall_back")
    approve = ApproveOperator(
        task_id="approve",
        what=f"the fall back of {MIGRATION}",
        body="{{ ti.xcom_pull(task_ids='check') }}",
        plan_only=PLAN_ONLY,
    )
    fall_back = SwitchOperator(task_id="fall_back", migration=MIGRATION, direction="fall_back", plan_only=PLAN_ONLY)
    triage = TriageOperator(task_id="triage", migration=MIGRATION)
    sign = SignOperator(task_id="sign", gtids=GTIDS, text="{{ ti.xcom_pull(task_ids='triage')['text'] }}")
    # `sign` is skipped when there is nothing to sign, and fails when the person rejects.
    rejoin = RejoinOperator(
        task_id="rejoin", migration=MIGRATION, signed=GTIDS, trigger_rule="none_failed_min_one_success"
    )
    standby = StandbyOperator(task_id="standby", migration=MIGRATION)
    report = ReportOperator(task_id="report", title=f"Fall back of {MIGRATION}")

    chain(check, approve, fall_back, triage, sign, rejoin, report)
    # `rejoin` has to see that there was a triage: `sign` alone may be skipped with everything else.
    triage >> rejoin
    chain(fall_back, standby, report)
