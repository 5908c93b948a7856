"""The report says what is true, what failed and what to do, whatever happened."""

from __future__ import annotations

from livemove.runbook.report import StepResult, render

DONE = StepResult("target.create", "success", "target shop-aurora exists")
FAILED = StepResult("target.rest", "failed", problem="read_only is ON.\nMend it.")
LATER = StepResult("prove", "upstream_failed")


def test_a_run_that_is_done_lists_what_is_true_now() -> None:
    assert render("Prepare shop", [DONE]) == (
        "# Prepare shop is done\n\n"
        "| step          | result | what is true now          |\n"
        "|---------------|--------|---------------------------|\n"
        "| target.create | ok     | target shop-aurora exists |\n"
    )


def test_a_failure_is_never_in_the_words_of_success_and_names_its_remedy() -> None:
    text = render("Prepare shop", [DONE, FAILED, LATER])
    assert text.startswith("# Prepare shop did not finish\n")
    assert "| target.rest   | **failed**  |" in text
    assert "| prove         | not reached |" in text
    assert "- target.rest: read_only is ON.\n  Mend it.\n\nThen clear the failed tasks" in text


def test_what_a_person_has_still_to_do_and_what_a_runbook_adds_stand_at_the_end() -> None:
    text = render("Cutover", [StepResult("a", "success", left="Convert 4 to Multi-AZ.")], "## For Terraform")
    assert text.endswith("\n\nConvert 4 to Multi-AZ.\n\n## For Terraform\n")
