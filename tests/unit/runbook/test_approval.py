"""What a person sees on the page of an approval."""

from __future__ import annotations

from livemove.runbook.approval import line_by_line
from rehearsal.airflow.approve import lines

BODY = """## Plan

```
PUT /products
  {"a": 1}

ALTER TABLE `shop`.`orders`
```

| result |
"""


def test_each_line_of_a_plan_is_a_line_of_its_own_and_keeps_its_indentation() -> None:
    shown = line_by_line(BODY).splitlines()
    assert shown[3:7] == [
        "`PUT /products`  ",
        '`\u00a0\u00a0{"a": 1}`  ',
        "",
        "`` ALTER TABLE `shop`.`orders` ``  ",
    ]


def test_what_is_no_code_stays_as_it_is() -> None:
    shown = line_by_line(BODY).splitlines()
    assert shown[0] == "## Plan"
    assert shown[-1] == "| result |"


def test_the_terminal_shows_the_plan_without_the_marks_of_the_page() -> None:
    task = {"dag_id": "d", "dag_run_id": "r", "task_id": "approve"}
    told = lines({"task_instance": task, "subject": "Approve it", "body": line_by_line(BODY)})
    assert "    PUT /products" in told
    assert '      {"a": 1}' in told
    assert "    ALTER TABLE `shop`.`orders`" in told
