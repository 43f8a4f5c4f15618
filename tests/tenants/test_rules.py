"""Decisions about tenants."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal.errors import BadInput
from tenant_portal.models.enums import TenantState
from tenant_portal.tenants import rules
from tenant_portal.tenants.rules import Step

TENANT = UUID("0193a000-0000-7000-8000-000000000001")
SID = "AC" + "0" * 32


@pytest.mark.parametrize(
    ("state", "sid", "status", "step"),
    [
        (TenantState.PROVISIONING, None, None, Step.CREATE),
        (TenantState.ACTIVE, SID, "active", Step.CHECK),
        (TenantState.ACTIVE, SID, None, Step.CHECK),
        (TenantState.ACTIVE, SID, "suspended", Step.RESUME),
        (TenantState.SUSPENDED, SID, "active", Step.SUSPEND),
        (TenantState.SUSPENDED, SID, None, Step.SUSPEND),
        (TenantState.SUSPENDED, SID, "suspended", Step.CHECK),
        (TenantState.CLOSED, SID, "active", Step.CLOSE),
        (TenantState.ACTIVE, SID, "closed", Step.CHECK),
    ],
)
def test_the_portals_state_wins(state: TenantState, sid: str | None, status: str | None, step: Step) -> None:
    assert rules.next_step(state, sid, status) is step


@given(st.text(max_size=200))
def test_a_subaccounts_name_fits_and_names_the_tenant(name: str) -> None:
    found = rules.friendly_name(name, TENANT)
    assert len(found) <= rules.FRIENDLY_NAME_LIMIT
    assert TENANT.hex in found


@given(st.integers(1, 100))
def test_pauses_grow_up_to_an_hour_and_then_end(attempts: int) -> None:
    pause = rules.pause_seconds(attempts, permanent=False, unknown_outcome=False)
    assert (pause is None) == (attempts >= rules.MOST_ATTEMPTS)
    assert pause is None or rules.FIRST_PAUSE_SECONDS <= pause <= rules.LONGEST_PAUSE_SECONDS


def test_after_an_unknown_outcome_the_pause_outlasts_twilio() -> None:
    assert rules.pause_seconds(1, permanent=False, unknown_outcome=True) == rules.PAUSE_AFTER_UNKNOWN_SECONDS


def test_what_cannot_get_better_is_not_repeated() -> None:
    assert rules.pause_seconds(1, permanent=True, unknown_outcome=False) is None


def test_blanks_in_a_name_are_tidied() -> None:
    assert rules.clean_name("  Acme \n Plumbing ") == "Acme Plumbing"


@pytest.mark.parametrize("name", ["", " ", "a" * 121, "a\x07b"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BadInput) as refused:
        rules.clean_name(name)
    assert refused.value.field == "name"
