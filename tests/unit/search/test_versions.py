"""What a preflight says of each server's version."""

from __future__ import annotations

import pytest

from livemove.search import versions


@pytest.mark.parametrize(
    ("number", "client", "compat", "result", "words"),
    [
        ("7.16.3", 9, None, "stop", "Upgrade it to 7.17"),
        ("6.8.23", 9, 8, "stop", "Upgrade it to 7.17"),
        ("7.17.29", 9, None, "ok", "7.17.29, spoken to as 9"),
        ("7.17.29", 9, 8, "ok", "spoken to as 8"),
        ("7.17.29", 9, 7, "ok", "spoken to as 7"),
        ("8.19.4", 9, None, "stop", "es_compat_with = 8"),
        ("8.19.4", 9, 8, "ok", "8.19.4, spoken to as 8"),
        ("8.0.0", 9, 7, "ok", "spoken to as 7"),
        ("8.19.4", 8, None, "ok", "spoken to as 8"),
        ("9.2.0", 9, None, "ok", "spoken to as 9"),
        ("9.2.0", 9, 8, "ok", "spoken to as 8"),
        ("9.2.0", 9, 7, "stop", r"es_compat_with = 9` \(or 8\)"),
        ("9.2.0", 7, None, "stop", "es_compat_with = 9"),
        ("9.3.0-SNAPSHOT", 9, None, "ok", "spoken to as 9"),
        ("10.0.0", 9, None, "warn", "rehearse it"),
        ("10.0.0", 9, 8, "stop", "es_compat_with = 10"),
        ("unknown", 9, None, "stop", "no version"),
    ],
)
def test_a_version_is_judged(number: str, client: int, compat: int | None, result: str, words: str) -> None:
    import re

    found = versions.judge(number, client, compat)
    assert found.result == result
    assert re.search(words, f"{found.figures} {found.remedy}")
    assert (found.result == "ok") == (not found.remedy)


def test_another_product_is_refused() -> None:
    assert versions.judge("3.8.0", 9, None, "opensearch").result == "stop"


@pytest.mark.parametrize(
    ("created", "taken_by", "target", "result"),
    [
        (7172999, "7.17.29", "7.17.29", "ok"),
        (7172999, "7.17.29", "8.19.4", "ok"),
        (7172999, "7.17.29", "9.2.0", "stop"),
        (7172999, "8.19.4", "9.2.0", "stop"),
        (8500003, "8.19.4", "9.2.0", "ok"),
        (8500003, "8.19.4", "7.17.29", "stop"),
        (8500003, "8.19.4", "8.18.0", "stop"),
        (9033000, "9.2.0", "9.2.1", "ok"),
        (6082399, "7.17.29", "8.19.4", "stop"),
        (0, "", "9.2.0", "ok"),
    ],
)
def test_a_restore_into_a_version_is_judged(created: int, taken_by: str, target: str, result: str) -> None:
    found = versions.judge_restore(created, taken_by, target)
    assert found.result == result
    assert (found.result == "ok") == (not found.remedy)
