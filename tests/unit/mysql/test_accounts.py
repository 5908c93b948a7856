"""Accounts of two servers are compared by everything that decides who may log in and do what."""

from __future__ import annotations

import pytest

from livemove.mysql.accounts import Account, differences

APP = Account("app", "%", plugin="caching_sha2_password", credential="aa", tls="")
GRANTS = ("GRANT USAGE ON *.* TO `app`@`%`", "GRANT SELECT, INSERT ON `shop`.* TO `app`@`%`")


def test_alike_accounts_do_not_differ_whether_locked_or_not() -> None:
    locked = Account("app", "%", locked=True, plugin="caching_sha2_password", credential="aa")
    assert differences({APP: GRANTS}, {locked: GRANTS[::-1]}) == []


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (Account("app", "%", plugin="caching_sha2_password", credential="bb"), "another password on source than on"),
        (Account("app", "%", plugin="mysql_native_password", credential="aa"), "caching_sha2_password on source and"),
        (Account("app", "%", plugin="caching_sha2_password", credential="aa", tls="ANY"), "NONE on source and ANY on"),
    ],
    ids=["password", "plugin", "tls"],
)
@pytest.mark.parametrize("more", [{}, {Account("more", "%"): ()}], ids=["one", "two"])
def test_another_password_plugin_or_tls_differs_whichever_server_has_more_accounts(
    other: Account, said: str, more: dict[Account, tuple[str, ...]]
) -> None:
    for a, b in (({APP: GRANTS, **more}, {other: GRANTS}), ({APP: GRANTS}, {other: GRANTS, **more})):
        found = [each for each in differences(a, b) if each.account == "'app'@'%'"]
        assert len(found) == 1
        assert said in found[0].what


def test_lacking_accounts_and_privileges_are_named() -> None:
    found = differences({APP: GRANTS, Account("late", "%"): ()}, {APP: GRANTS[:1]})
    assert [str(each.account) for each in found] == ["'late'@'%'", "'app'@'%'", "'app'@'%'"]
    assert "source grants INSERT ON `shop`.*, target does not" in [each.what for each in found]
