"""Params as forms, and how tasks are retried."""

from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.sdk.exceptions import ParamValidationError

from livemove.runbook.forms import file_param, plan_only_param, retried


def test_a_file_is_chosen_among_those_that_there_are_and_the_first_is_proposed() -> None:
    param = file_param("Migration", "include/migrations", ["orders", "shop"])
    assert param.resolve() == "orders"
    assert param.resolve("shop") == "shop"
    with pytest.raises(ParamValidationError, match="'nope' is not one of"):
        param.resolve("nope")


def test_a_folder_without_files_gives_a_form_that_can_be_shown() -> None:
    assert file_param("Migration", "include/migrations", []).resolve() is None


def test_a_run_that_a_person_starts_only_plans_unless_told_otherwise() -> None:
    assert plan_only_param("Check everything").resolve() is True
    assert plan_only_param("Check everything", default=False).resolve() is False


def test_pauses_between_retries_grow_up_to_a_limit() -> None:
    given = retried(2, timedelta(seconds=20), timedelta(minutes=1))
    assert given["retry_exponential_backoff"] is True
    assert (given["retries"], given["retry_delay"], given["max_retry_delay"]) == (
        2,
        timedelta(seconds=20),
        timedelta(minutes=1),
    )
