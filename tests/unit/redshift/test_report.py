"""A stranger can tell from the report what moved, what failed and what to do."""

from __future__ import annotations

from livemove.redshift.report import TableResult, render

READ = {"rows": 1200, "full": True, "bytes": 2_500_000, "seconds": 1.25, "findings": []}


def test_a_run_without_a_failure_says_so_and_asks_for_nothing() -> None:
    results = [
        TableResult("shop", "注文", READ, {"rows": 1200}, {"did": ["VACUUM FULL", "ANALYZE"]}),
        TableResult("shop", "lines", READ | {"full": False, "rows": 7}, {"rows": 7}, {"did": []}),
    ]
    assert render(results, [], []) == (
        "# 2 of 2 tables are up to date, 1,207 rows merged\n"
        "\n"
        "| table      | result | what     | rows read | rows merged | MB in S3 | seconds to read | upkeep               |\n"
        "|------------|--------|----------|----------:|------------:|---------:|----------------:|----------------------|\n"
        "| shop.注文  | ok     | all rows |     1,200 |       1,200 |      2.5 |             1.2 | VACUUM FULL, ANALYZE |\n"
        "| shop.lines | ok     | changes  |         7 |           7 |      2.5 |             1.2 |                      |"
    )


def test_a_failed_table_is_named_with_its_step_and_what_to_do() -> None:
    good = TableResult("shop", "a", READ, {"rows": 1200}, {})
    bad = TableResult("shop", "b", READ, {}, {}, "merge", "permission denied")
    report = render([good, bad], [], [])
    assert report.startswith("# 1 of 2 tables are up to date, 1,200 rows merged")
    assert "**failed** at merge" in report
    assert "## What to do\n\n- shop.b: permission denied\n\nThen clear the failed tasks" in report


def test_every_line_of_a_problem_stands_below_its_table() -> None:
    report = render([TableResult("shop", "b", failed="extract", problem="differ:\n- one\n- two")], [], [])
    assert "- shop.b: differ:\n  - one\n  - two\n" in report


def test_a_failure_without_a_known_reason_points_to_the_log() -> None:
    assert "- shop.b: see the log of the task" in render([TableResult("shop", "b", failed="extract")], [], [])


def test_a_table_that_was_never_read_has_empty_cells() -> None:
    assert TableResult("shop", "b", failed="extract").cells() == [
        "shop.b", "**failed** at extract", "", "", "", "", "", "",
    ]  # fmt: skip


def test_a_source_that_could_not_be_looked_at_and_warnings_come_first() -> None:
    report = render([], ["source.check [0]: no such file"], ["The bound is held back by thread 7."])
    assert report == (
        "# 0 of 0 tables are up to date, 0 rows merged\n"
        "\n"
        "- **not read at all:** source.check [0]: no such file\n"
        "- The bound is held back by thread 7."
    )


def test_a_list_before_the_table_is_ended_by_an_empty_line() -> None:
    report = render([TableResult("shop", "a", READ, {"rows": 1}, {})], [], ["a warning"])
    assert "- a warning\n\n| table" in report


def test_values_that_were_not_carried_over_are_listed() -> None:
    finding = {"column": "born", "problem": "zero_date", "action": "null", "count": 3, "samples": ["(id=1)"]}
    report = render([TableResult("shop", "a", READ | {"findings": [finding]}, {"rows": 1200}, {})], [], [])
    assert "## Values that were not carried over exactly" in report
    assert "- shop.a.born: 3 rows with zero_date (null), such as (id=1)" in report
