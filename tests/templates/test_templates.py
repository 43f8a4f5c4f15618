"""Templates: made and approved at Twilio, kept in step with it, sent when the window is closed, one client's own."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.errors import BadInput, Conflict, NotAllowed, NotFound
from tenant_portal.inbox import jobs as inbox_jobs
from tenant_portal.inbox import planned
from tenant_portal.inbox import queries as inbox
from tenant_portal.inbox import service as inbox_service
from tenant_portal.models.enums import ChannelKind, TemplateKind, TemplateState
from tenant_portal.simulator.stand_in.records import Template, new_sid
from tenant_portal.templates import rules, service
from tenant_portal.tenants import quiet_hours
from tests.signed_in import person
from tests.templates.conftest import BODY, Studio, draft
from tests.threads import LEAD, open_thread
from tests.twilio.servers import until

pytestmark = pytest.mark.database
S = TemplateState
# The simulated reviewers are quick.
SUBMITTED = {S.PENDING, S.APPROVED}


async def test_a_template_is_made_submitted_and_approved(studio: Studio) -> None:
    await studio.create()
    await studio.sync()
    assert {row.state for row in await studio.rows()} <= SUBMITTED
    (made,) = studio.templates_at_twilio()
    assert (made.name, made.category, made.types["twilio/quick-reply"]["body"]) == ("kitchen_ready", "UTILITY", BODY)

    async def approved() -> bool:
        await studio.sync()
        return [row.state for row in await studio.rows()] == [S.APPROVED]

    await until(approved)


async def test_a_rejection_is_told_with_its_reason(studio: Studio) -> None:
    await studio.create(body="{{1}}, your kitchen is ready.")

    async def rejected() -> bool:
        await studio.sync()
        (row,) = await studio.rows()
        return row.state is S.REJECTED and "start or end" in row.reason

    await until(rejected)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_after", "path_contains": "/v1/Content"},
        {"kind": "status", "path_contains": "/ApprovalRequests/whatsapp"},
        {"kind": "drop_after", "path_contains": "/ApprovalRequests/whatsapp"},
    ],
)
async def test_a_fault_of_twilios_makes_no_second_template(studio: Studio, fault: dict[str, str]) -> None:
    await studio.create()
    studio.twilio.fail(fault["kind"], path_contains=fault["path_contains"], method="POST")
    await studio.sync()
    await studio.sync()
    assert len(studio.templates_at_twilio()) == 1
    assert {row.state for row in await studio.rows()} <= SUBMITTED


async def test_a_refusal_waits_for_a_person_who_can_try_again(studio: Studio) -> None:
    template_id = await studio.create()
    studio.twilio.fail("status", method="POST", path_contains="/v1/Content", code=60200, status=400)
    await studio.sync()
    (row,) = await studio.rows()
    assert (row.state, row.reason.startswith("WhatsApp did not accept")) == (S.FAILED, True)
    async with db.tenant_session(studio.cast.acme.tenant_id) as session:
        await service.submit(session, person(studio.cast.alice), template_id)
    await studio.sync()
    assert {row.state for row in await studio.rows()} <= SUBMITTED


async def test_what_was_made_at_twilio_comes_in_and_what_went_there_is_told(studio: Studio) -> None:
    sid = studio.cast.acme.account_sid
    types = {"twilio/text": {"body": "Hello"}}
    made = studio.twilio.world.store.put(
        Template(sid=new_sid("HX"), account_sid=sid, friendly_name="by_hand", language="en", types=types)
    )
    await studio.sync()
    (row,) = await studio.rows()
    assert (row.name, row.body, row.state) == ("by_hand", "Hello", S.UNSUBMITTED)
    studio.twilio.world.store.delete(made)
    async with db.tenant_session(studio.cast.acme.tenant_id) as session:
        await session.execute(text("update message_template set created_at = now() - interval '1 hour'"))
    await studio.sync()
    assert [row.state for row in await studio.rows()] == [S.GONE]


async def test_deleting_reaches_twilio(studio: Studio) -> None:
    template_id = await studio.approved()
    async with db.tenant_session(studio.cast.acme.tenant_id) as session:
        await service.delete(session, person(studio.cast.alice), template_id)
    await studio.sync()
    assert (studio.templates_at_twilio(), await studio.rows()) == ([], [])


async def test_a_closed_thread_takes_a_template_and_no_text(studio: Studio, portal: str) -> None:
    template_id, thread = await studio.approved(), await studio.closed_thread()
    acme, bob = studio.cast.acme.tenant_id, person(studio.cast.bob)
    async with db.tenant_session(acme) as session:
        with pytest.raises(Conflict, match="24 hours"):
            await inbox_service.queue_reply(session, bob, thread, "Hello?")
        with pytest.raises(BadInput, match="Fill in"):
            await planned.send_template(session, bob, thread, template_id, {"1": " "})
        await planned.send_template(session, bob, thread, template_id, {"1": "Ada"})
    await studio.send_all()
    (sent,) = studio.sent()
    assert (sent.body, sent.to) == ("Hello Ada, your kitchen is ready. May we come by?", f"whatsapp:{LEAD}")
    assert [title for _, title, _ in sent.actions] == ["Yes, please", "Not today"]

    async def delivered() -> bool:
        return (await _newest(studio, thread)).status in {"delivered", "read"}

    await until(delivered)


async def test_a_template_waits_for_the_end_of_quiet_hours_as_it_was_filled_in(studio: Studio) -> None:
    template_id, thread = await studio.approved(), await studio.closed_thread()
    acme, bob = studio.cast.acme.tenant_id, person(studio.cast.bob)
    there = datetime.now(ZoneInfo("America/Los_Angeles"))
    night = {name: f"{there + timedelta(hours=by):%H:%M}" for name, by in (("start", -1), ("end", 1))}
    async with db.tenant_session(acme) as session:
        await quiet_hours.save(session, person(studio.cast.alice), is_on=True, **night)
        body, details = await inbox_service.fill_template(session, bob, template_id, {"1": "Ada"})
        with pytest.raises(Conflict, match="quiet hours"):
            await inbox_service.queue(session, bob, thread, body, ChannelKind.WHATSAPP, details=details)
        await planned.send_template(session, bob, thread, template_id, {"1": "Ada"})
        (row,) = await planned.list_planned(session, acme, thread)
        until, now = (datetime.now(UTC) + timedelta(hours=3)).isoformat(), datetime.now(UTC)
        # Its time can be changed, its text cannot: WhatsApp has approved that one.
        await planned.change(session, bob, row.id, "Buy now", until, now)
        await session.execute(text("update tenant set quiet_from = '', quiet_until = ''"))
        await session.execute(text("update planned_message set due_at = now()"))
    await inbox_jobs.drain_planned(acme)
    await studio.send_all()
    (sent,) = studio.sent()
    assert (sent.body, sent.to) == ("Hello Ada, your kitchen is ready. May we come by?", f"whatsapp:{LEAD}")


async def test_a_text_that_waited_past_the_window_is_not_handed_to_twilio(studio: Studio) -> None:
    thread = await open_thread(studio.cast.acme, kind="whatsapp", lead=LEAD)
    acme = studio.cast.acme.tenant_id
    async with db.tenant_session(acme) as session:
        await inbox_service.queue_reply(session, person(studio.cast.bob), thread, "Just in time")
        late = text("update message set created_at = created_at - :age where direction = 'in'")
        await session.execute(late, {"age": timedelta(hours=24)})
    await studio.send_all()
    newest = await _newest(studio, thread)
    assert (studio.sent(), newest.status, newest.error_code) == ([], "failed", 63016)


async def test_63016_by_callback_turns_the_message_red_in_plain_words(studio: Studio, portal: str) -> None:
    # The lead has written to the portal's knowledge, but not to Twilio's.
    thread = await open_thread(studio.cast.acme, kind="whatsapp", lead=LEAD)
    async with db.tenant_session(studio.cast.acme.tenant_id) as session:
        await inbox_service.queue_reply(session, person(studio.cast.bob), thread, "Hello")
    await studio.send_all()

    async def failed() -> bool:
        return (await _newest(studio, thread)).status == "failed"

    await until(failed)
    newest = await _newest(studio, thread)
    assert newest.error_code == 63016
    assert "only accepts an approved template" in str(newest.error_text)


async def test_anothers_template_cannot_be_seen_sent_submitted_or_deleted(studio: Studio) -> None:
    theirs, thread = await studio.approved(studio.cast.charlie), await studio.closed_thread()
    acme, alice = studio.cast.acme.tenant_id, person(studio.cast.alice)
    assert await studio.rows() == []
    for wanted in (theirs, uuid4()):
        for act in (service.submit, service.delete):
            async with db.tenant_session(acme) as session:
                with pytest.raises(NotFound, match="does not exist"):
                    await act(session, alice, wanted)
        async with db.tenant_session(acme) as session:
            with pytest.raises(NotFound, match="does not exist"):
                await planned.send_template(session, alice, thread, wanted, {"1": "Ada"})
    # Twilio would refuse it as well, had a row of Acme's named it.
    own = await studio.approved()
    (foreign,) = studio.templates_at_twilio(studio.cast.globex)
    async with db.tenant_session(acme) as session:
        await session.execute(text("update message_template set content_sid = :sid"), {"sid": foreign.sid})
        await planned.send_template(session, alice, thread, own, {"1": "Ada"})
    await studio.send_all()
    assert (studio.sent(), (await _newest(studio, thread)).status) == ([], "failed")


async def test_agents_read_templates_and_owners_change_them(studio: Studio) -> None:
    template_id = await studio.create()
    bob = person(studio.cast.bob)
    async with db.tenant_session(studio.cast.acme.tenant_id) as session:
        for refused in (service.create(session, bob, draft()), service.delete(session, bob, template_id)):
            with pytest.raises(NotAllowed):
                await refused


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "Kitchen Ready"}, "name"),
        ({"body": ""}, "body"),
        ({"body": "Hello {{2}}, hi"}, "body"),
        ({"samples": {}}, "samples"),
        ({"fills": {"1": "password"}}, "samples"),
        ({"kind": TemplateKind.MEDIA, "media_url": "http://a.example/x.jpg"}, "media_url"),
        ({"buttons": ()}, "buttons"),
        ({"buttons": (rules.Button("reply", "x" * 21, "x"),)}, "buttons"),
        ({"buttons": (rules.Button("url", "See", "javascript:alert(1)"),)}, "buttons"),
        ({"buttons": (rules.Button("phone", "Call", "555"),)}, "buttons"),
    ],
)
def test_bad_input_is_told_beside_its_field(wrong: dict[str, object], field: str) -> None:
    with pytest.raises(BadInput) as refusal:
        rules.checked(draft(**wrong))
    assert refusal.value.field == field


async def _newest(studio: Studio, thread: UUID) -> inbox.MessageRow:
    tenant_id = studio.cast.acme.tenant_id
    async with db.tenant_session(tenant_id) as session:
        return (await inbox.list_messages(session, tenant_id, thread))[-1]
