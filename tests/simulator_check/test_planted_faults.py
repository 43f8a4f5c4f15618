"""The two-tenant check is red for every planted fault: each is caught by a probe that is named here."""

import psycopg
import pytest

from tests.simulator_check.conftest import Theatre

# Fault, the probe that must see it, and what is run to keep it quick.
CAUGHT_BY = {
    "policy_dropped": "sql.no-tenant.lead",
    "policy_lets_all_through": "sql.wrong-tenant.message",
    "row_level_security_off": "sql.wrong-tenant.conversation",
    "policy_without_a_check": "sql.write-for-other.lead_note",
    "staff_may_read_bodies": "sql.staff.message",
    "definer_function_leaks": "sql.definers",
    "view_of_the_owner": "sql.lint",
    "signature_skipped": "webhook.unsigned.sms",
    "account_comparison_skipped": "webhook.own-url-others-body.sms",
    "token_cache_mixes_tenants": "webhook.others-token.voicemail",
    "old_token_accepted_for_ever": "webhook.old-token.whatsapp",
    "event_gate_off": "live.token-taken-over",
    "asgi_gate_off": "socket.no-site",
    "media_unchecked": "route.get-head/media/{}",
    "push_to_everybody": "live.push",
    "page_of_the_wrong_tenant": "seed.leads.a",
    "tenant_filter_and_policy_gone": "route.get-head/media/{}",
    "staff_page_open_to_clients": "handler.as-client.tenants_state.load",
    "revoked_session_goes_on": "handler.nobody.inbox_state.load",
    "bodies_are_logged": "canary.logs",
    "one_line_for_all_clients": "flood.burst",
}


@pytest.mark.parametrize(("fault", "probe"), CAUGHT_BY.items())
def test_a_planted_fault_turns_its_probe_red(theatre: Theatre, fault: str, probe: str) -> None:
    results = theatre.play(fault, probe)
    assert results[probe][0] == "leak", results[probe]


def test_a_flood_or_a_pause_of_one_client_leaves_the_other_alone(theatre: Theatre) -> None:
    results = theatre.play(None, "flood.", "sql.wrong-tenant.throttle", "sql.write-for-other.throttle", "sql.definers")
    assert {outcome for outcome, _ in results.values()} == {"pass"}, results
    assert len(results) == 5


def test_every_fault_there_is_has_a_probe_that_catches_it(theatre: Theatre) -> None:
    assert set(theatre.faults) == set(CAUGHT_BY)


def test_the_check_takes_everything_away_again(theatre: Theatre, module_admin_url: str) -> None:
    theatre.close()
    left = {
        "tenant": "select count(*) from tenant",
        "portal_user": "select count(*) from portal_user",
        "quarantined_request": "select count(*) from quarantined_request where account_sid <> ''",
        "webhook_refusal": "select count(*) from webhook_refusal where account_sid <> ''",
        "job": "select count(*) from jobs.procrastinate_jobs where args ? 'tenant_id'",
    }
    with psycopg.connect(module_admin_url) as connection:
        found = {name: connection.execute(query).fetchone() for name, query in left.items()}  # type: ignore[arg-type]
    assert found == dict.fromkeys(left, (0,))
    assert [path for path in (theatre.folder / "data" / "objects").rglob("*") if path.is_file()] == []
    assert theatre.open_subaccounts() == 0
