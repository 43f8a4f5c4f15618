"""What a person is told of: their own choice, what has just come in, and nothing of another client."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.inbox import notifying, organise
from tenant_portal.inbox.notifying import MOST_NEWS, NEWS_SPAN, Choice, News
from tenant_portal.models import Voicemail
from tenant_portal.models.enums import ChannelKind, RecordingState, Told
from tests.cast import Cast, Someone
from tests.signed_in import person
from tests.threads import open_thread, receive

pytestmark = pytest.mark.database
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


async def news(someone: Someone, *, since: datetime = LONG_AGO, later: timedelta = timedelta(0)) -> list[News]:
    async with db.tenant_session(someone.tenant_id) as session:
        choice = await notifying.get_choice(session, person(someone))
        return await notifying.list_news(session, person(someone), choice, since, datetime.now(UTC) + later)


async def bodies(someone: Someone) -> list[str]:
    return [row.body for row in await news(someone)]


async def choose(someone: Someone, choice: Choice) -> None:
    async with db.tenant_session(someone.tenant_id) as session:
        await notifying.keep_choice(session, person(someone), choice)


async def assign(by: Someone, thread: UUID, to: Someone) -> None:
    async with db.tenant_session(by.tenant_id) as session:
        await organise.assign(session, person(by), [thread], to.user_id)


async def test_a_choice_is_of_one_person_and_in_the_audit_once(cast: Cast) -> None:
    chosen = Choice(Told.NONE, shows_text=False, plays_sound=False)
    for _ in range(2):
        await choose(cast.bob, chosen)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        found = [await notifying.get_choice(session, person(who)) for who in (cast.bob, cast.alice)]
        audited = await session.scalar(
            text("select count(*) from audit_event where action = 'user:notifications-changed'")
        )
    assert (found, audited) == ([chosen, Choice()], 1)


async def test_one_is_told_of_ones_own_threads_and_of_those_nobody_has(cast: Cast) -> None:
    lines = {name: f"+1415555{n:04}" for n, name in enumerate(("free", "bob's", "alice's"))}
    threads = {name: await open_thread(cast.acme, lead=lead, body=name) for name, lead in lines.items()}
    await assign(cast.alice, threads["bob's"], cast.bob)
    await assign(cast.alice, threads["alice's"], cast.alice)
    assert await bodies(cast.bob) == ["free", "bob's"]
    await choose(cast.bob, Choice(Told.ALL))
    assert await bodies(cast.bob) == ["free", "bob's", "alice's"]
    await choose(cast.bob, Choice(Told.NONE))
    assert (await bodies(cast.bob), await bodies(cast.charlie)) == ([], [])


async def test_what_is_old_or_blocked_or_was_there_before_is_no_news(cast: Cast) -> None:
    await receive(cast.acme, body="before")
    opened_at = datetime.now(UTC) + timedelta(milliseconds=1)
    assert (await news(cast.bob, since=opened_at), await news(cast.bob, later=NEWS_SPAN)) == ([], [])
    for n in range(MOST_NEWS + 1):
        await receive(cast.acme, body=str(n))
    assert await bodies(cast.bob) == ["1", "2", "3", "4", "5"]
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await session.execute(text("update conversation set is_blocked = true"))
    assert await news(cast.bob) == []


async def test_a_voicemail_is_news_once_it_is_recorded_and_a_call_is_not(cast: Cast) -> None:
    call = await receive(cast.acme, kind="voicemail", body="", provider_sid=f"CA{'0' * 32}", profile_name="Ada")
    voicemail = Voicemail(tenant_id=cast.acme.tenant_id, message_id=call, recording_sid=f"RE{'0' * 32}")
    async with db.tenant_session(cast.acme.tenant_id) as session:
        session.add(voicemail)
    assert await news(cast.bob) == []
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await session.execute(text("update voicemail set recording_state = :done"), {"done": RecordingState.COMPLETED})
    (found,) = await news(cast.bob)
    assert (found.id, found.channel_kind, found.profile_name) == (voicemail.id, ChannelKind.VOICEMAIL, "Ada")
