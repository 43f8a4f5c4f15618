"""Decisions about sign-in, without a database."""

from datetime import UTC, datetime, timedelta

import pytest

from tenant_portal.errors import BadInput
from tenant_portal.identity import rules

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "idle", "alive"),
    [
        (timedelta(0), timedelta(0), True),
        (timedelta(days=13), timedelta(hours=11), True),
        (timedelta(days=1), timedelta(hours=12), False),
        (timedelta(days=14), timedelta(0), False),
    ],
)
def test_a_session_ends_after_12_idle_hours_or_14_days(age: timedelta, idle: timedelta, alive: bool) -> None:
    assert rules.is_alive(NOW - age, NOW - idle, NOW) is alive


def test_the_first_failures_cost_no_time_then_the_pause_doubles() -> None:
    pauses = [rules.pause_after(failures, 5).total_seconds() for failures in range(1, 9)]
    assert pauses == [0, 0, 0, 0, 2, 4, 8, 16]


@pytest.mark.parametrize("failures", [50, 500, 10**6])
def test_no_pause_is_longer_than_a_quarter_of_an_hour(failures: int) -> None:
    assert rules.pause_after(failures, 5) == timedelta(minutes=15)


@pytest.mark.parametrize(
    "goal",
    ["/inbox", "/inbox/0192-ab", "/leads", "/channels", "/settings", "/staff", "/staff/quarantine"],
)
def test_a_path_of_ours_is_kept_as_the_goal(goal: str) -> None:
    assert rules.own_path(goal) == goal


@pytest.mark.parametrize(
    "goal",
    [
        None,
        "",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "https://evil.example",
        "https:/evil.example",
        "javascript:alert(1)",
        "/inbox//evil.example",
        "/inbox/..%2f..%2fauth/logout",
        "/inbox/../auth/logout",
        "/auth/logout",
        "/api/webhooks/sms",
        "/inbox\r\nSet-Cookie: a=b",
        "/inbox?next=//evil.example",
        "/inbox\n",
        "/inboxes",
        "/" + "a" * 300,
    ],
)
def test_any_other_goal_becomes_the_start_page(goal: str | None) -> None:
    assert rules.own_path(goal) == "/"


@pytest.mark.parametrize("email", ["alice", "a@b", "a b@c.example", "<a@b.example>", "a@b.example\n", "", "@b.example"])
def test_what_cannot_be_an_email_address_is_refused(email: str) -> None:
    if email.strip() != email:
        assert rules.tidy_email(email) == "a@b.example"
        return
    with pytest.raises(BadInput) as refused:
        rules.tidy_email(email)
    assert refused.value.field == "email"


def test_an_email_address_is_kept_in_lower_case() -> None:
    assert rules.tidy_email("  Alice@ACME.Example ") == "alice@acme.example"


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "Al\x00ice", "Al\u202eice"])
def test_an_empty_long_or_unprintable_name_is_refused(name: str) -> None:
    with pytest.raises(BadInput) as refused:
        rules.tidy_name(name)
    assert refused.value.field == "name"


def test_blanks_in_a_name_are_tidied() -> None:
    assert rules.tidy_name("  Alice \t Archer\n") == "Alice Archer"


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "elevenchars",
        "a" * 12,
        "abababababab",
        "alice@acme.example",
        "ALICE@acme.example",
        "Alice Archer",
        "x" * 257,
    ],
)
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(BadInput) as refused:
        rules.refuse_weak_password(password, email="alice@acme.example", name="alice archer")
    assert refused.value.field == "password"


@pytest.mark.parametrize("password", ["correct horse battery", "пароль из слов", "🐎🔋 staple correct"])
def test_any_long_password_will_do(password: str) -> None:
    rules.refuse_weak_password(password, email="alice@acme.example", name="Alice")
