"""Greetings as files, and how a channel's calls are answered: an owner decides, and callers hear it."""

import io
import wave
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from tenant_portal import db
from tenant_portal.channels.rules import Actor
from tenant_portal.channels.service import actor_of
from tenant_portal.errors import BadInput, Conflict, NotAllowed, NotFound, PortalError
from tenant_portal.models import Channel
from tenant_portal.models.enums import ChannelKind
from tenant_portal.tenants.rules import end_of_quiet, is_quiet
from tenant_portal.voicemail import greeting_files, hours, http, service
from tests.cast import Cast, Someone
from tests.inbox.test_http import cookie
from tests.signed_in import person
from tests.voicemail.test_calls import Caller, document
from tests.webhook_client import Portal

ORIGIN = "https://portal.example.com"
MP3 = b"ID3\x04\x00" + b"\x00" * 400


def wav(seconds: float = 0.5) -> bytes:
    """Silence."""
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0\0" * int(8000 * seconds))
    return written.getvalue()


@pytest_asyncio.fixture
async def web(cast: Cast) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=http.routes))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


def voicemail(cast: Cast) -> UUID:
    return cast.acme.channels[ChannelKind.VOICEMAIL]


async def config_of(cast: Cast) -> dict[str, Any]:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        return (await session.get_one(Channel, (cast.acme.tenant_id, voicemail(cast)))).config


async def upload(
    web: httpx.AsyncClient,
    who: Someone,
    channel_id: UUID,
    content: bytes,
    occasion: str = "open",
    origin: str = ORIGIN,
) -> httpx.Response:
    headers = await cookie(who) | {"Origin": origin}
    return await web.post(f"/uploads/greeting/{channel_id}/{occasion}", content=content, headers=headers)


@pytest.mark.parametrize(("content", "content_type"), [(MP3, "audio/mpeg"), (wav(), "audio/wav")])
async def test_callers_hear_the_uploaded_file(
    portal: Portal, cast: Cast, web: httpx.AsyncClient, content: bytes, content_type: str
) -> None:
    assert (await upload(web, cast.alice, voicemail(cast), content)).json() == {"error": ""}
    played = document(await Caller(portal, cast.acme).ring()).find("Play")
    assert played is not None
    assert (played.text or "").startswith(f"{ORIGIN}/greetings/")
    answer = await web.get(played.text or "")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, content, content_type)
    part = await web.get(played.text or "", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, content[:4])


async def test_only_the_sealed_address_leads_to_the_file(cast: Cast, web: httpx.AsyncClient) -> None:
    await upload(web, cast.alice, voicemail(cast), MP3)
    file = (await config_of(cast))["files"]["open"]
    right = greeting_files.path_of(file["key"], "mp3")
    tenant_id, file_id, name = right.removeprefix("/greetings/").split("/")
    other = greeting_files.path_of(f"{cast.globex.tenant_id}/{file_id}", "mp3").rpartition("/")[2]
    assert (await web.get(right)).status_code == 200
    for path in (
        f"/greetings/{tenant_id}/{file_id}/{'0' * 64}.mp3",
        f"/greetings/{tenant_id}/{file_id}/{other}",
        f"/greetings/{cast.globex.tenant_id}/{file_id}/{name}",
        f"/greetings/{tenant_id}/{uuid4()}/{name}",
        right.replace(".mp3", ".wav"),
        right.replace(".mp3", ""),
        greeting_files.path_of(f"{tenant_id}/{uuid4()}", "mp3"),
    ):
        assert (await web.get(path)).status_code == 404, path


async def test_a_new_file_replaces_the_old_one_under_a_new_address(cast: Cast, web: httpx.AsyncClient) -> None:
    await upload(web, cast.alice, voicemail(cast), MP3)
    first = (await config_of(cast))["files"]["open"]["key"]
    await upload(web, cast.alice, voicemail(cast), wav())
    second = (await config_of(cast))["files"]["open"]
    assert second["key"] != first
    assert (await web.get(greeting_files.path_of(first, "mp3"))).status_code == 404
    assert (await web.get(greeting_files.path_of(second["key"], "wav"))).status_code == 200


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", greeting_files.NO_SOUND),
        (b"<html>", greeting_files.NO_SOUND),
        (b"OggS" + b"\0" * 60, greeting_files.NO_SOUND),
        (b"RIFF\0\0\0\0WAVEjunk", greeting_files.NO_SOUND),
        (MP3 + bytes(greeting_files.MAX_BYTES), greeting_files.TOO_LARGE),
        (wav(181), "A greeting has at most 3 minutes."),
    ],
    ids=["nothing", "a page", "another sound", "a broken sound", "too much", "too long"],
)
async def test_what_twilio_cannot_play_is_refused(
    cast: Cast, web: httpx.AsyncClient, content: bytes, sentence: str
) -> None:
    answer = await upload(web, cast.alice, voicemail(cast), content)
    assert (answer.status_code, answer.json()) == (422, {"error": sentence})
    assert "files" not in await config_of(cast)


async def test_only_an_owner_of_the_channel_uploads(cast: Cast, web: httpx.AsyncClient) -> None:
    theirs = await upload(web, cast.charlie, voicemail(cast), MP3)
    nothing = await upload(web, cast.charlie, uuid4(), MP3)
    assert (theirs.status_code, theirs.content) == (nothing.status_code, nothing.content)
    assert theirs.status_code == 404
    assert (await upload(web, cast.bob, voicemail(cast), MP3)).status_code == 403
    assert (await upload(web, cast.sam, voicemail(cast), MP3)).status_code == 404
    assert (await upload(web, cast.alice, voicemail(cast), MP3, "sometimes")).status_code == 404
    assert (await upload(web, cast.alice, voicemail(cast), MP3, origin="https://elsewhere.example")).status_code == 403
    sms = cast.acme.channels[ChannelKind.SMS]
    assert (await upload(web, cast.alice, sms, MP3)).status_code == 409
    assert "files" not in await config_of(cast)


GREETING = service.Greeting(text="Hi", closed_text="", voice="Polly.Amy", max_seconds=60, transcribe=True)
TEXT = service.TextBack(is_on=True, text="Sorry", window_hours=24, quiet_from="21:00", quiet_until="08:00")
WEEK = hours.Hours("Europe/Berlin", (*[(("09:00", "12:00"), ("13:00", "17:00"))] * 5, (), ()), (date(2026, 12, 25),))
CHANGES: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {
    "greeting": (service.set_greeting, (GREETING,), {}),
    "hours": (service.set_hours, (WEEK,), {}),
    "ringing": (service.set_ringing, ("+14155550300", 15), {"only_open": True}),
    "text back": (service.set_text_back, (TEXT,), {}),
    "file": (service.keep_file, ("open", MP3), {}),
    "no file": (service.remove_file, ("open",), {}),
}


async def change(actor: Actor, what: str, channel_id: UUID) -> None:
    function, arguments, options = CHANGES[what]
    async with db.tenant_session(actor.tenant_id) as session:
        await function(session, actor, channel_id, *arguments, **options)


@pytest.mark.parametrize("what", CHANGES)
async def test_who_may_change_how_calls_are_answered(cast: Cast, what: str) -> None:
    async def refusal(who: Someone, channel_id: UUID) -> PortalError:
        with pytest.raises(PortalError) as refused:
            await change(actor_of(person(who)), what, channel_id)
        return refused.value

    theirs, made_up = await refusal(cast.charlie, voicemail(cast)), await refusal(cast.charlie, uuid4())
    assert type(theirs) is type(made_up) is NotFound
    assert theirs.message == made_up.message
    assert isinstance(await refusal(cast.bob, voicemail(cast)), NotAllowed)
    assert isinstance(await refusal(cast.alice, cast.acme.channels[ChannelKind.SMS]), Conflict)
    await change(actor_of(person(cast.alice)), what, voicemail(cast))


async def test_every_change_is_kept_and_audited(portal: Portal, cast: Cast) -> None:
    for what in CHANGES:
        await change(actor_of(person(cast.alice)), what, voicemail(cast))
    config = await config_of(cast)
    assert (config["voice"], config["language"]) == ("Polly.Amy", "en-GB")
    assert hours.of_config(config["hours"]) == WEEK
    assert config["ring"] == {"number": "+14155550300", "seconds": 15, "only_open": True}
    assert (config["text_back"]["quiet_until"], "files" in config) == ("08:00", False)
    told = [row["action"] for row in await portal.rows("select action from audit_event order by at, id")]
    changed = ["greeting", "hours", "ringing", "text-back", "greeting", "greeting"]
    assert told == [f"channel:{what}-changed" for what in changed]


@pytest.mark.parametrize("number", ["", " "])
async def test_an_empty_number_rings_nowhere(cast: Cast, number: str) -> None:
    await change(actor_of(person(cast.alice)), "ringing", voicemail(cast))
    async with db.tenant_session(cast.acme.tenant_id) as session:
        alice = actor_of(person(cast.alice))
        await service.set_ringing(session, alice, voicemail(cast), number, 0, only_open=False)
    assert "ring" not in await config_of(cast)


@pytest.mark.parametrize("number", ["12", "nobody", "+19005551234", "+14155550100"])
async def test_a_phone_that_cannot_ring_is_refused(cast: Cast, number: str) -> None:
    alice = actor_of(person(cast.alice))
    with pytest.raises(BadInput) as refused:
        async with db.tenant_session(cast.acme.tenant_id) as session:
            await service.set_ringing(session, alice, voicemail(cast), number, 15, only_open=False)
    assert refused.value.field == "ring_number"


def test_hours_follow_the_clock_of_their_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    at = [
        datetime(2026, 11, 23, 9, 0, tzinfo=berlin),
        datetime(2026, 11, 23, 12, 0, tzinfo=berlin),
        datetime(2026, 11, 28, 10, 0, tzinfo=berlin),
    ]
    assert [WEEK.are_open(moment.astimezone(UTC)) for moment in at] == [True, False, False]
    assert not WEEK.are_open(datetime(2026, 12, 25, 10, 0, tzinfo=berlin))
    # The last Sunday of March has no 02:30 there, and nine o'clock is an hour earlier in UTC from then on.
    assert not WEEK.are_open(datetime(2026, 3, 27, 7, 30, tzinfo=UTC))
    assert WEEK.are_open(datetime(2026, 3, 30, 7, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("", ()),
        ("9-17", (("09:00", "17:00"),)),
        ("13:00-17:30, 9:00 to 12:00", (("09:00", "12:00"), ("13:00", "17:30"))),
        ("0:00\u201324:00", (("00:00", "24:00"),)),
    ],
)
def test_a_day_is_read_as_people_write_it(text: str, spans: tuple[hours.Span, ...]) -> None:
    assert hours.clean_day(text, "day_0") == spans
    assert hours.clean_day(hours.day_text(spans), "day_0") == spans


@pytest.mark.parametrize("text", ["open", "17-9", "9-9", "9-25", "9:70-10", "9-12, 11-13", "24:00-24:00"])
def test_a_day_that_makes_no_sense_gets_a_sentence(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        hours.clean_day(text, "day_3")
    assert refused.value.field == "day_3"


def test_a_night_may_go_past_midnight_in_any_of_several_zones() -> None:
    at, zones = datetime(2026, 6, 1, 12, 7, tzinfo=UTC), ("America/Los_Angeles", "America/New_York")
    assert is_quiet(at, zones, "21:00", "08:00")
    assert not is_quiet(at, zones[1:], "21:00", "08:00")
    assert end_of_quiet(at, zones, "21:00", "08:00") == datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
    assert end_of_quiet(at, zones[1:], "21:00", "08:00") == at
