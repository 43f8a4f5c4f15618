"""Consent: every word about a channel is kept with its proof, and what was withdrawn is not written to."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from tenant_portal import db
from tenant_portal.errors import BadInput, Conflict, NotFound
from tenant_portal.inbox import inbound, outbox
from tenant_portal.inbox import service as inbox
from tenant_portal.leads import consent
from tenant_portal.models.enums import ChannelKind, ConsentKind, ConsentSource
from tenant_portal.ui.pages.leads import ConsentState
from tests.cast import Cast, Company
from tests.leads.stage import a_lead, do, everything, read, trail
from tests.threads import receive
from tests.ui_client.browser import sign_in

# Twilio's default keywords, and the FCC's list (47 CFR 64.1200(a)(10)).
TWILIO_STOP = ("STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL")
FCC_STOP = ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe")
TWILIO_START = ("START", "YES", "UNSTOP")
TWILIO_HELP = ("HELP", "INFO")
SPELLINGS = ("{}", " {} ", "{}.", "“{}!”", "\n{}\n", "*{}*", "_{}_")
SENTENCES = ("stop by at five", "the end", "start-up", "yes please", "do not stop", "cancelled", "STOPP", "", "?!")


def heard(body: str, verdict: str = "") -> str | None:
    return inbound.opt_out({"Body": body, "OptOutType": verdict}.get)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "expected"),
    [(TWILIO_STOP, "stop"), (FCC_STOP, "stop"), (TWILIO_START, "start"), (TWILIO_HELP, None), (SENTENCES, None)],
)
def test_each_keyword_is_heard_however_it_is_written_and_nothing_else(words: tuple[str, ...], expected: Any) -> None:
    for word in words:
        for spelling in SPELLINGS:
            for body in (spelling.format(word), spelling.format(word.lower()), spelling.format(word.title())):
                assert (body, heard(body)) == (body, expected)
    assert [heard(f"opt{sign}out") for sign in ("-", " ", "_", "")] == ["stop"] * 4


def test_twilios_own_verdict_counts_more_than_the_words() -> None:
    assert [heard("hello", word) for word in ("STOP", "start", "HELP")] == ["stop", "start", None]
    assert [heard("STOP", word) for word in ("START", "HELP")] == ["start", None]


async def history(company: Company, lead_id: UUID) -> list[consent.ConsentRow]:
    async with db.tenant_session(company.tenant_id) as session:
        return await consent.list_history(session, company.tenant_id, lead_id)


async def why_not(company: Company, thread: UUID, kind: ChannelKind) -> str:
    async with db.tenant_session(company.tenant_id) as session:
        return (await inbox.reply_options(session, company.tenant_id, thread)).of(kind).reason or ""


@pytest.mark.database
async def test_a_stop_and_a_start_are_kept_with_their_proof(cast: Cast) -> None:
    lead = await a_lead(cast.acme, body="Yes", opt_out="start")
    assert await history(cast.acme, lead.id) == []
    stop = await receive(cast.acme, body="Stop!", opt_out="stop")
    start = await receive(cast.acme, body="START", opt_out="start")
    found = [(row.kind, row.source, row.text, row.message_id) for row in await history(cast.acme, lead.id)]
    assert found == [
        (ConsentKind.GIVEN, ConsentSource.MESSAGE, "START", start),
        (ConsentKind.WITHDRAWN, ConsentSource.MESSAGE, "Stop!", stop),
    ]
    assert (await read(cast.acme, lead.id)).opted_out_at is None


@pytest.mark.database
async def test_a_stop_closes_every_channel_and_a_start_opens_its_own(cast: Cast) -> None:
    lead = await a_lead(cast.acme, kind="whatsapp")
    assert lead.conversation_id is not None
    await receive(cast.acme, body="STOP", opt_out="stop")
    for kind in (ChannelKind.SMS, ChannelKind.WHATSAPP):
        assert "withdrawn" in await why_not(cast.acme, lead.conversation_id, kind)
    await receive(cast.acme, kind="whatsapp", body="START", opt_out="start")
    assert await why_not(cast.acme, lead.conversation_id, ChannelKind.WHATSAPP) == ""
    assert "withdrawn" in await why_not(cast.acme, lead.conversation_id, ChannelKind.SMS)
    with pytest.raises(Conflict, match="SMS"):
        await do(cast.bob, inbox.queue_reply, lead.conversation_id, "Hello", ChannelKind.SMS)
    await do(cast.bob, inbox.queue_reply, lead.conversation_id, "Hello", ChannelKind.WHATSAPP)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        claimed = await outbox.claim(session, cast.acme.tenant_id)
    assert claimed is not None
    assert claimed.our_number.startswith("whatsapp:")


@pytest.mark.database
async def test_what_was_queued_before_is_refused_before_twilio(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    queued = await do(cast.bob, inbox.queue_reply, lead.conversation_id, "Hello")
    await do(cast.bob, consent.record, lead.id, "sms", "withdrawn", "Said so at the counter")
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert await outbox.claim(session, cast.acme.tenant_id) is None
        code = await session.scalar(text("select error_code from message where id = :id"), {"id": queued})
    assert code == 21610


@pytest.mark.database
async def test_a_person_records_consent_with_a_note_and_the_trail_says_who(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    for channel, kind, note, field in (
        ("sms", "given", "  ", "note"),
        ("sms", "given", "x" * 501, "note"),
        ("fax", "given", "Signed", "channel"),
        ("sms", "perhaps", "Signed", "kind"),
    ):
        with pytest.raises(BadInput) as refused:
            await do(cast.bob, consent.record, lead.id, channel, kind, note)
        assert refused.value.field == field
    await receive(cast.acme, body="STOP", opt_out="stop")
    await do(cast.bob, consent.record, lead.id, "sms", "given", "Signed\nthe form")
    newest = (await history(cast.acme, lead.id))[0]
    assert (newest.source, newest.note, newest.actor_name) == (ConsentSource.BY_HAND, "Signed the form", "Bob Baker")
    assert ("lead:consent-given", "Bob Baker") in await trail(cast.acme)


@pytest.mark.database
async def test_the_history_is_only_added_to(cast: Cast) -> None:
    await receive(cast.acme, body="STOP", opt_out="stop")
    for change in ("update consent set text = ''", "delete from consent"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with db.tenant_session(cast.acme.tenant_id) as session:
                await session.execute(text(change))
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await session.execute(text("delete from lead"))
        assert await session.scalar(text("select count(*) from consent")) == 0


@pytest.mark.database
async def test_another_client_sees_and_records_nothing(cast: Cast) -> None:
    lead = await a_lead(cast.acme, body="STOP", opt_out="stop")
    before = await everything(cast.acme, "consent", "lead")
    assert await history(cast.globex, lead.id) == []
    with pytest.raises(NotFound):
        await do(cast.charlie, consent.record, lead.id, "sms", "given", "Signed")
    tab = await sign_in(cast.charlie)
    assert (await tab.call(ConsentState.load, lead_id=lead.id)).standings == []
    form = {"channel": "sms", "kind": "given", "consent-note": "Signed"}
    assert (await tab.call(ConsentState.record, form)).notice == "This lead does not exist."
    assert await everything(cast.acme, "consent", "lead") == before


@pytest.mark.database
async def test_the_page_shows_where_each_channel_stands_and_why(cast: Cast) -> None:
    lead = await a_lead(cast.acme, body="STOP", opt_out="stop")
    tab = await sign_in(cast.bob)
    state = await tab.call(ConsentState.load, lead_id=lead.id)
    assert [(one.name, one.words) for one in state.standings] == [
        ("SMS", "Withdrawn"),
        ("WhatsApp", "Closed by another channel"),
        ("Calls", "Nothing recorded"),
    ]
    assert [(one.words, one.quote) for one in state.proofs] == [("SMS: withdrew", "STOP")]
    state = await tab.call(ConsentState.record, {"channel": "whatsapp", "kind": "given"})
    assert "Write down how you know" in state.errors["note"]
    form = {"channel": "whatsapp", "kind": "given", "consent-note": "Signed the form"}
    state = await tab.call(ConsentState.record, form)
    assert (state.notice, state.standings[1].words) == ("Recorded.", "Agreed")
    assert state.proofs[0].source == "entered by hand, Bob Baker"


@pytest.mark.database
async def test_who_had_unsubscribed_before_the_history_still_has(cast: Cast, admin_url: str) -> None:
    lead = await a_lead(cast.acme)
    with psycopg.connect(admin_url) as connection:
        connection.execute("update lead set opted_out_at = now()")
    assert lead.conversation_id is not None
    for kind in (ChannelKind.SMS, ChannelKind.WHATSAPP):
        assert "withdrawn" in await why_not(cast.acme, lead.conversation_id, kind)
