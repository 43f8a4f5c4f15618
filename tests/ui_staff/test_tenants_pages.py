"""The agency's view of its clients."""

from json import dumps
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

from tenant_portal import db, job_queue
from tenant_portal.errors import NotAllowed
from tenant_portal.identity import team
from tenant_portal.models import WebhookRefusal
from tenant_portal.models.base import now
from tenant_portal.models.enums import TenantState, ThrottleReason
from tenant_portal.tenants import queries
from tenant_portal.ui.pages.tenants import TenantDetailState, TenantsState
from tests.cast import Cast, Company
from tests.ui_client.browser import Tab, sign_in


async def opened(cast: Cast) -> Tab:
    tab = await sign_in(cast.sam)
    await tab.call(TenantsState.load)
    return tab


async def detail(cast: Cast, tenant_id: object) -> Tab:
    tab = await sign_in(cast.sam)
    await tab.call(TenantDetailState.load, staff_tenant_id=tenant_id)
    return tab


async def state_of(company: Company) -> TenantState:
    async with db.staff_session() as session:
        return await queries.tenant_state(session, company.tenant_id)


async def test_all_clients_are_listed_with_their_channels(cast: Cast) -> None:
    state = (await opened(cast)).state(TenantsState)
    assert [row.name for row in state.rows] == ["Acme", "Globex"]
    assert {mark.kind for mark in state.rows[0].channels} == {"sms", "whatsapp", "voicemail"}
    assert (state.total, state.active, state.suspended) == (2, 2, 0)


async def test_the_list_is_searched_ordered_and_narrowed(cast: Cast) -> None:
    tab = await opened(cast)
    assert [row.name for row in (await tab.call(TenantsState.find, "glob\0")).rows] == ["Globex"]
    assert len((await tab.call(TenantsState.find, "")).rows) == 2
    assert (await tab.call(TenantsState.narrow, "suspended")).rows == []
    assert len((await tab.call(TenantsState.narrow, "nonsense")).rows) == 2
    assert (await tab.call(TenantsState.order, "nonsense")).sort == "name"
    assert [row.name for row in (await tab.call(TenantsState.order, "newest")).rows] == ["Globex", "Acme"]


async def test_more_clients_are_shown_on_demand(cast: Cast) -> None:
    tab = await opened(cast)
    tab.state(TenantsState)._shown = 1
    assert (await tab.call(TenantsState.refresh)).has_more
    assert len((await tab.call(TenantsState.load_more)).rows) == 2


async def test_a_new_client_comes_with_a_link_for_its_owner(cast: Cast) -> None:
    tab = await opened(cast)
    state = await tab.call(TenantsState.create, {"name": "Initech", "email": "Ida@Initech.example"})
    assert [row.name for row in state.rows] == ["Acme", "Globex", "Initech"]
    assert (state.rows[-1].state_label, state.is_settling) == ("Being set up", True)
    token = state.invitation.rpartition("/invitation/")[2]
    async with db.identity_session() as session:
        invitation, client = await team.find_invitation(session, token, now())
    assert (invitation.email, invitation.role, client) == ("ida@initech.example", "owner", "Initech")


async def test_the_link_is_gone_once_the_dialog_is_closed(cast: Cast) -> None:
    tab = await opened(cast)
    await tab.call(TenantsState.create, {"name": "Initech", "email": "ida@initech.example"})
    assert (await tab.call(TenantsState.open_create, False)).invitation == ""


async def test_without_an_address_no_link_is_made(cast: Cast) -> None:
    state = await (await opened(cast)).call(TenantsState.create, {"name": "Initech", "email": ""})
    assert (state.invitation, state.creating, state.total) == ("", False, 3)


WRONG_FORMS: tuple[tuple[dict[str, object], str], ...] = (
    ({"name": "", "email": ""}, "name_error"),
    ({"name": "x" * 200, "email": ""}, "name_error"),
    ({"name": "Initech", "email": "nobody"}, "email_error"),
    ({"name": {"$ne": 1}, "email": []}, "name_error"),
)


async def test_a_wrong_form_creates_nothing_and_names_the_field(cast: Cast) -> None:
    tab = await opened(cast)
    for form, field in WRONG_FORMS:
        state = await tab.call(TenantsState.create, form)
        assert getattr(state, field)
        assert state.total == 2


async def test_a_client_is_suspended_after_a_question_and_resumed(cast: Cast) -> None:
    tab = await opened(cast)
    await tab.call(TenantsState.ask, str(cast.acme.tenant_id))
    assert await state_of(cast.acme) is TenantState.ACTIVE
    state = await tab.call(TenantsState.answer)
    assert (await state_of(cast.acme), state.notice) == (TenantState.SUSPENDED, "Acme is suspended.")
    await tab.call(TenantsState.ask, str(cast.acme.tenant_id))
    await tab.call(TenantsState.answer)
    assert await state_of(cast.acme) is TenantState.ACTIVE


async def test_a_closed_question_changes_nothing(cast: Cast) -> None:
    tab = await opened(cast)
    await tab.call(TenantsState.ask, str(cast.acme.tenant_id))
    await tab.call(TenantsState.close_question, False)
    assert (await tab.call(TenantsState.answer)).tone == "bad"
    assert await state_of(cast.acme) is TenantState.ACTIVE


async def test_one_client_shows_its_connection_and_why_requests_were_refused(cast: Cast) -> None:
    async with db.front_door_session() as session:
        session.add(
            WebhookRefusal(
                hour=now(), account_sid=cast.acme.account_sid, reason="signature", kind="sms", count=2,
                parameter_names="Body From",
            )
        )  # fmt: skip
    state = (await detail(cast, cast.acme.tenant_id)).state(TenantDetailState)
    assert (state.line.name, state.line.account_sid) == ("Acme", cast.acme.account_sid)
    [refusal] = state.refusals
    assert (refusal.count, refusal.parameter_names) == (2, "Body From")
    assert refusal.reason == "Not signed with the account's present token"


async def test_a_client_that_does_not_exist_is_said_to_be_gone(cast: Cast) -> None:
    for tenant_id in (uuid4(), "no id", ""):
        assert (await detail(cast, tenant_id)).state(TenantDetailState).missing


async def test_another_client_replaces_the_one_before(cast: Cast) -> None:
    tab = await detail(cast, cast.acme.tenant_id)
    state = await tab.call(TenantDetailState.load, staff_tenant_id=cast.globex.tenant_id)
    assert state.line.name == "Globex"


async def test_suspend_resume_and_check_work_on_the_page_of_one_client(cast: Cast) -> None:
    tab = await detail(cast, cast.acme.tenant_id)
    assert (await tab.call(TenantDetailState.suspend)).line.can_resume
    assert (await tab.call(TenantDetailState.suspend)).tone == "bad"
    assert (await tab.call(TenantDetailState.resume)).line.can_suspend
    assert (await tab.call(TenantDetailState.check)).line.is_settling


async def test_a_clients_limits_are_shown_with_what_waits(cast: Cast) -> None:
    assert (await detail(cast, cast.acme.tenant_id)).state(TenantDetailState).limits.words == "Normal"
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await job_queue.pause(session, "inbox.send_outbox", cast.acme.tenant_id, 60, ThrottleReason.TWILIO)
    for line, words in (("soft", "Busy"), ("flood", "Flood")):
        note = [{"tenant_id": str(cast.acme.tenant_id), "line": line, "seconds": 10}]
        async with db.front_door_session() as session:
            await session.execute(text("select front_door.note_pressure(cast(:note as jsonb))"), {"note": dumps(note)})
        limits = (await detail(cast, cast.acme.tenant_id)).state(TenantDetailState).limits
        assert limits.words.startswith(words)
        [held] = limits.held
        assert (held.name, held.why) == ("Sending answers", "Twilio asked to wait, or could not be reached")
    other = (await detail(cast, cast.globex.tenant_id)).state(TenantDetailState).limits
    assert (other.words, other.held, other.flood_line) == ("Normal", [], "2,000 a second")


async def test_work_that_was_given_up_is_shown_and_run_again(cast: Cast, admin_url: str) -> None:
    with psycopg.connect(admin_url, options="-c search_path=jobs") as connection:
        connection.execute("select jobs.wake('inbox.send_outbox', %s, interval '0')", (cast.acme.tenant_id,))
        connection.execute("update procrastinate_jobs set status = 'failed'")
    tab = await detail(cast, cast.acme.tenant_id)
    [lost] = tab.state(TenantDetailState).limits.lost
    assert (lost.name, lost.times) == ("Sending answers", 1)
    assert (await detail(cast, cast.globex.tenant_id)).state(TenantDetailState).limits.lost == []
    state = await tab.call(TenantDetailState.run_again, lost.task)
    assert (state.notice, state.limits.lost) == ("It runs again.", [])
    assert (await tab.call(TenantDetailState.run_again, lost.task)).tone == "bad"


async def test_an_owner_can_be_invited_later(cast: Cast) -> None:
    tab = await detail(cast, cast.acme.tenant_id)
    assert "/invitation/" in (await tab.call(TenantDetailState.invite, {"email": "new@acme.example"})).invitation
    state = await tab.call(TenantDetailState.invite, {"email": cast.alice.email})
    assert (state.invitation, state.email_error) == ("", "This person is in your team already.")


async def test_no_client_and_nobody_reads_the_overview(cast: Cast) -> None:
    for who in (cast.alice, cast.charlie, None):
        tab = await sign_in(who)
        for handler in ("load", "refresh", "create", "answer", "load_more"):
            arguments = ({"name": "X", "email": ""},) if handler == "create" else ()
            with pytest.raises(NotAllowed):
                await tab.call(getattr(TenantsState, handler), *arguments)
        assert tab.state(TenantsState).rows == []


async def test_no_client_and_nobody_opens_a_clients_page(cast: Cast) -> None:
    for who in (cast.alice, cast.bob, None):
        tab = await sign_in(who)
        arguments_of = {"invite": ({"email": "x@example.com"},), "run_again": ("inbox.send_outbox",)}
        for handler in ("load", "refresh", "suspend", "resume", "check", "invite", "run_again"):
            arguments = arguments_of.get(handler, ())
            with pytest.raises(NotAllowed):
                await tab.call(getattr(TenantDetailState, handler), *arguments, staff_tenant_id=cast.acme.tenant_id)
        assert tab.state(TenantDetailState).line.name == ""
