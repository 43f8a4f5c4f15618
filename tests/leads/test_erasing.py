"""A person is taken away: here at once, and at Twilio until Twilio has confirmed, whatever happens in between."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tenant_portal import db, object_store
from tenant_portal.errors import Conflict, NotAllowed, NotFound
from tenant_portal.leads import erasing, jobs, merging, service
from tenant_portal.leads.erasing import ErasureRow
from tenant_portal.models import Media as KeptMedia
from tenant_portal.models import Voicemail
from tenant_portal.models.enums import MediaState
from tenant_portal.models.ids import uuid7
from tenant_portal.simulator.stand_in.records import Call, Message, Recording, Transcription, new_sid
from tests.cast import Cast, Company
from tests.inbox.conftest import Desk, addresses, desk, portal, twilio
from tests.leads.stage import a_lead, do, everything, listed, trail
from tests.threads import LEAD, receive

__all__ = ["addresses", "desk", "portal", "twilio"]
pytestmark = pytest.mark.database
OF_A_PERSON = ("lead", "lead_note", "conversation", "message", "media", "voicemail", "moved_message", "lead_merge")
SECRET = "My secret"


async def erasures(company: Company) -> list[ErasureRow]:
    async with db.tenant_session(company.tenant_id) as session:
        return await erasing.list_erasures(session, company.tenant_id)


def message_at_twilio(desk: Desk) -> str:
    """SID of a message of the lead that Twilio keeps."""
    kept = Message(
        sid=new_sid("SM"),
        account_sid=desk.acme.account_sid,
        direction="inbound",
        from_=LEAD,
        to=desk.acme.number,
        body=SECRET,
        status="received",
    )
    return desk.twilio.world.store.put(kept).sid


async def a_life(desk: Desk) -> UUID:
    """The lead with a message, a file and a call with a recording in words, all of which Twilio keeps."""
    store, account = desk.twilio.world.store, desk.acme.account_sid
    await receive(desk.acme, body=SECRET, provider_sid=message_at_twilio(desk))
    call = store.put(
        Call(
            sid=new_sid("CA"), account_sid=account, from_=LEAD, to=desk.acme.number, number_sid="PN", status="completed"
        )
    )
    sound = store.save_file(new_sid("RE"), b"sound")
    recording = store.put(
        Recording(sid=new_sid("RE"), account_sid=account, call_sid=call.sid, status="completed", seconds=3, file=sound)
    )
    words = Transcription(
        sid=new_sid("TR"), account_sid=account, recording_sid=recording.sid, status="completed", text=SECRET
    )
    store.put(words)
    called = await receive(desk.acme, kind="voicemail", body="", provider_sid=call.sid)
    lead = next(row for row in await listed(desk.acme) if row.address == LEAD)
    key = object_store.key_of(desk.acme.tenant_id, uuid7())
    await object_store.put(key, b"sound")
    async with db.tenant_session(desk.acme.tenant_id) as session:
        ours = {"tenant_id": desk.acme.tenant_id, "message_id": called}
        media = KeptMedia(**ours, source_url="https://x", state=MediaState.STORED, object_key=key, size_bytes=5)
        session.add(media)
        await session.flush()
        session.add(Voicemail(**ours, recording_sid=recording.sid, media_id=media.id, transcript=SECRET))
    await do(desk.cast.bob, service.add_note, lead.id, SECRET)
    return lead.id


def left_at_twilio(desk: Desk) -> int:
    kinds = (Call, Recording, Transcription)
    mine = [one for one in desk.twilio.world.store.all(Message, desk.acme.account_sid) if one.body == SECRET]
    return len(mine) + sum(len(desk.twilio.world.store.all(kind, desk.acme.account_sid)) for kind in kinds)


async def work(desk: Desk) -> None:
    """The job runs once, as if every pause had passed."""
    await desk.sql("update erasure_item set next_attempt_at = now()")
    await jobs.drain_erasures(desk.acme.tenant_id)


async def test_everything_goes_here_at_once_and_then_at_twilio(desk: Desk) -> None:
    lead_id = await a_life(desk)
    key = await desk.sql("select object_key from media")
    await do(desk.cast.alice, erasing.erase, lead_id)
    assert all(rows == [] for rows in (await everything(desk.acme, *OF_A_PERSON)).values())
    assert left_at_twilio(desk) == 4
    await work(desk)
    assert left_at_twilio(desk) == 0
    (row,) = await erasures(desk.acme)
    # The thread's first message has a SID that Twilio does not know: gone as well.
    assert (row.about, row.total, row.left, row.finished_at is not None) == (
        f"Number ending in {LEAD[-2:]}",
        5,
        0,
        True,
    )
    with pytest.raises(NotFound):
        async for _ in object_store.read(str(key), 0, 5):
            pass
    assert ("person:erased", "Alice Archer") in await trail(desk.acme)
    kept = await everything(desk.acme, "lead_erasure", "erasure_item", "audit_event")
    assert not [line for rows in kept.values() for line in rows if LEAD in line or SECRET in line]


async def test_it_is_tried_until_twilio_has_confirmed(desk: Desk) -> None:
    await do(desk.cast.alice, erasing.erase, await a_life(desk))
    desk.twilio.fail("status", method="DELETE", status=500, times=50)
    await work(desk)
    (row,) = await erasures(desk.acme)
    assert (left_at_twilio(desk) > 0, row.left > 0, row.finished_at, bool(row.last_error)) == (True, True, None, True)
    desk.twilio.world.faults.clear()
    # Twilio has deleted it, and its answer is lost: the next try finds it gone.
    desk.twilio.fail("drop_after", method="DELETE")
    await work(desk)
    await work(desk)
    (row,) = await erasures(desk.acme)
    assert (left_at_twilio(desk), row.left, row.last_error) == (0, 0, "")
    assert row.finished_at is not None


async def test_what_waits_is_tried_ever_more_seldom_and_the_job_comes_back_for_it(desk: Desk) -> None:
    await do(desk.cast.alice, erasing.erase, await a_life(desk))
    desk.twilio.fail("status", method="DELETE", status=500, times=500)
    pauses = []
    for _ in range(2):
        await work(desk)
        pauses.append(await desk.sql("select extract(epoch from max(next_attempt_at) - now())::int from erasure_item"))
    assert pauses[0] < pauses[1]
    async with db.job_queue_session() as session:
        waiting = text("select count(*) from jobs.procrastinate_jobs where task_name = :task and status = 'todo'")
        assert await session.scalar(waiting, {"task": erasing.ERASE}) == 1


async def test_merged_leads_go_with_the_person_and_nobody_else_does(cast: Cast) -> None:
    one, twin, other = [await a_lead(cast.acme, lead=f"+1415555000{n}") for n in range(3)]
    await do(cast.bob, merging.merge, one.id, twin.id)
    await do(cast.alice, erasing.erase, one.id)
    assert [row.id for row in await listed(cast.acme)] == [other.id]
    assert len((await everything(cast.acme, "message"))["message"]) == 1
    await receive(cast.acme, lead=twin.address, body="It is me again")
    assert {row.address for row in await listed(cast.acme)} == {other.address, twin.address}


async def test_a_person_of_whom_nothing_is_elsewhere_is_done_at_once(cast: Cast) -> None:
    lead_id = await do(cast.bob, service.create, "+14155550001", "Ada")
    await do(cast.alice, erasing.erase, lead_id)
    (row,) = await erasures(cast.acme)
    assert (row.total, row.finished_at is not None) == (0, True)


async def test_a_message_on_its_way_is_waited_for(desk: Desk) -> None:
    lead_id = next(row.id for row in await listed(desk.acme))
    message_id = await desk.answer()
    await desk.sql("update message set status = 'sending' where id = :id", id=message_id)
    with pytest.raises(Conflict, match="on its way"):
        await do(desk.cast.alice, erasing.erase, lead_id)
    assert len(await listed(desk.acme)) == 1


async def test_agents_and_other_clients_erase_nobody(cast: Cast) -> None:
    lead = await a_lead(cast.acme)
    with pytest.raises(NotAllowed):
        await do(cast.bob, erasing.erase, lead.id)
    answers = []
    for target in (lead.id, uuid4()):
        with pytest.raises(NotFound) as caught:
            await do(cast.charlie, erasing.erase, target)
        answers.append(caught.value.message)
    assert answers[0] == answers[1]
    assert len(await listed(cast.acme)) == 1
    await do(cast.alice, erasing.erase, lead.id)
    assert await erasures(cast.globex) == []
