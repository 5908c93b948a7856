"""
# Rebuild a search index

Gives an index a new mapping or shard count while searches and updates go on.

**Before you start.** The change is committed in `include/indices/<alias>/mapping.json`. The cluster has twice the
index's size free. Both streams keep records for longer than the snapshot's age, the rebuild and six hours; `check`
looks at all of this and changes nothing. Run this with *plan only* first: its log has every call.

**What happens**

1. *check*: evidence and plan.
2. *copy.restore*: the newest good snapshot (or one that is taken now) comes back under a name of its own, and
   `<alias>-<time>` is made with the mapping from the code.
3. *copy.reindex*: its documents are copied, portion by portion, each proven by counts. The Airflow variable
   `livemove_<alias>_requests_per_second` limits it while it runs; 0 lifts the limit.
4. *catch_up*: a second loader replays the stream from before the snapshot until it is level.
5. *verify*: ids, versions and contents are compared with the live index; canary queries are asked.
6. *approve*: you decide, seeing that. A rejection fails the run; searches have not noticed anything.
7. *swap*: everything is looked at again; the old index's loader pauses until the new one has passed it, the alias
   moves in one call. No search fails, and none goes back in time.

**When something fails.** The task says what is wrong. Mend it and clear the task: what is copied is not copied again,
the loader goes on where it was. A new run can go on with an older one's index by *index*.

**Ways back.** Until the swap nothing that is searched has changed: `index_clean_up` with *unfinished* removes the
rest. After it the old index stays, and stays fed, for `keep_hours`: `index_roll_back`.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, TaskGroup, chain

from livemove.rebuild.operators import (
    CheckRebuildOperator,
    RebuildStepOperator,
    SwapOperator,
    VerifyRebuildOperator,
)
from livemove.rebuild.settings import index_names
from livemove.runbook.approval import ApproveOperator
from livemove.runbook.forms import file_param, plan_only_param, retried
from livemove.runbook.report import ReportOperator

ALIAS, INDEX, PLAN_ONLY = "{{ params.alias }}", "{{ params.index }}", "{{ params.plan_only }}"

with DAG(
    dag_id="index_rebuild",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    tags=["elasticsearch", "rebuild"],
    params={
        "alias": file_param("Alias", "include/indices", index_names()),
        "plan_only": plan_only_param("Look at everything, print each call in the log of `check`"),
        "index": Param(
            None,
            type=["null", "string"],
            title="Index",
            description="Go on with this index of an earlier run; leave it empty for a new one.",
        ),
    },
    render_template_as_native_obj=True,
    default_args=retried(),
):
    rebuild = {"alias": ALIAS, "index": INDEX, "plan_only": PLAN_ONLY}
    check = CheckRebuildOperator(task_id="check", alias=ALIAS, index=INDEX)
    with TaskGroup("copy") as copy:
        chain(*[RebuildStepOperator(task_id=step, step=step, **rebuild) for step in ("restore", "reindex")])
    with TaskGroup("catch_up") as catch_up:
        chain(
            *[
                RebuildStepOperator(task_id=step, step=step, **rebuild)
                for step in ("deploy_rewound_loader", "until_level")
            ]
        )
    verify = VerifyRebuildOperator(task_id="verify", **rebuild)
    approve = ApproveOperator(
        task_id="approve_swap",
        what=f"the swap of {ALIAS}",
        body="{{ ti.xcom_pull(task_ids='verify') }}\n\n{{ ti.xcom_pull(task_ids='check') }}",
        plan_only=PLAN_ONLY,
    )
    swap = SwapOperator(task_id="swap", checked_by="verify", **rebuild)
    report = ReportOperator(task_id="report", title=f"Rebuild {ALIAS}")

    # The loader starts only after the copy has ended: a delete that it applies could otherwise be undone by an older
    # document that the copy writes later.
    chain(check, copy, catch_up, verify, approve, swap, report)
