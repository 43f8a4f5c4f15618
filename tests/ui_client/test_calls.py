"""The handlers of the pages about calls."""

from typing import Any
from uuid import uuid4

import pytest

from tenant_portal import db
from tenant_portal.models import Channel
from tenant_portal.models.enums import ChannelKind
from tenant_portal.ui.pages.calls import CallsState
from tenant_portal.ui.pages.channels import VoiceState
from tenant_portal.ui.pages.channels.voice_items import VoiceItem
from tenant_portal.voicemail import queries
from tests.cast import Cast, Company
from tests.threads import receive
from tests.ui_client.browser import Tab, sign_in
from tests.voicemail.conftest import portal
from tests.voicemail.test_calls import Caller
from tests.webhook_client import Portal, sid

__all__ = ["portal"]
pytestmark = pytest.mark.database


async def ring(company: Company, **more: Any) -> str:
    return str(await receive(company, kind="voicemail", **more))


async def test_calls_are_paged_by_key_and_filtered(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    ids = [await ring(cast.acme, lead=f"+1415555000{n}") for n in range(5)]
    await receive(cast.acme)
    tab = await sign_in(cast.bob)
    state = await tab.call(CallsState.load)
    assert ([call.id for call in state.calls], state.open_count, state.has_newer) == (ids[:2:-1], 5, False)
    assert [call.id for call in (await tab.call(CallsState.older)).calls] == [ids[2], ids[1]]
    state = await tab.call(CallsState.older)
    assert ([call.id for call in state.calls], state.has_older, state.has_newer) == ([ids[0]], False, True)
    await tab.call(CallsState.set_handled, ids[0], True)
    assert [call.id for call in (await tab.call(CallsState.newer)).calls] == [ids[2], ids[1]]
    state = await tab.call(CallsState.set_filter, "handled")
    assert [(call.id, call.handled_by) for call in state.calls] == [(ids[0], "Bob Baker")]
    state = await tab.call(CallsState.set_handled, ids[0], False)
    assert (state.calls, state.open_count) == ([], 5)


async def test_a_caller_can_be_called_and_written_to(cast: Cast) -> None:
    await ring(cast.acme, lead="+14155550001")
    await ring(cast.acme, lead="anonymous/CA1")
    hidden, known = (await (await sign_in(cast.bob)).call(CallsState.load)).calls
    assert (known.tel, known.reply_href.endswith("#composer-body")) == ("tel:+14155550001", True)
    assert (hidden.tel, hidden.reply_href, hidden.name) == ("", "", "Number withheld")


async def test_what_became_of_a_call_is_told_truthfully(portal: Portal, cast: Cast) -> None:
    shown = []
    for steps in (
        (),
        ("end",),
        ("absent", "end"),
        ("transcribed", "end"),
        ("recorded", "recorded", "transcribed", "end"),
        ("failed", "end"),
        ("recorded", "second", "end"),
    ):
        caller, recording = Caller(portal, cast.acme), sid("RE")
        await caller.ring()
        for step in steps:
            if step == "end":
                await caller.end()
            elif step == "transcribed":
                await caller.transcribed(recording)
            else:
                status = {"recorded": "completed", "second": "completed"}.get(step, step)
                await caller.recorded(sid("RE") if step == "second" else recording, status)
        call = (await (await sign_in(cast.bob)).call(CallsState.load)).calls[0]
        shown.append((call.word, call.note, [(one.note, bool(one.transcript)) for one in call.recordings]))
    late = "The recording is on its way."
    assert shown == [
        ("Under way", "The end of this call has not been reported yet.", []),
        ("Missed", "The caller hung up before the tone.", []),
        (
            "Missed",
            "The caller stayed on the line and said nothing.",
            [],
        ),
        ("Voicemail", "", [(late, True)]),
        ("Voicemail", "", [(late, True)]),
        ("Voicemail", "", [("The recording failed at Twilio.", False)]),
        ("Voicemail", "2 recordings of one call.", [(late, False), (late, False)]),
    ]


async def test_anothers_call_is_as_unknown_as_a_made_up_one(cast: Cast) -> None:
    theirs = await ring(cast.globex)
    tab = await sign_in(cast.bob)
    assert (await tab.call(CallsState.load)).calls == []
    seen = [(await tab.call(CallsState.set_handled, one, True)).notice for one in (theirs, str(uuid4()), "junk")]
    assert set(seen) == {"This call does not exist."}
    state = await (await sign_in(cast.charlie)).call(CallsState.load)
    assert [call.is_handled for call in state.calls] == [False]


async def config_of(cast: Cast) -> dict[str, Any]:
    key = (cast.acme.tenant_id, cast.acme.channels[ChannelKind.VOICEMAIL])
    async with db.tenant_session(cast.acme.tenant_id) as session:
        return (await session.get_one(Channel, key)).config


async def opened(cast: Cast, who: Any) -> Tab:
    tab = await sign_in(who)
    await tab.call(VoiceState.load, voice_channel_id=cast.acme.channels[ChannelKind.VOICEMAIL])
    return tab


HOURS = {"has_hours": "on", "timezone": "Europe/Berlin", "holidays": "2026-12-25", "day_0": "9-12, 13-17"}
TEXT = {
    "text_is_on": "on",
    "text_back_text": "Sorry",
    "window_hours": "24",
    "quiet_from": "21:00",
    "quiet_until": "08:00",
}
GREETING = {"greeting": "Hi", "closed_greeting": "", "voice": "Polly.Amy", "max_seconds": "60", "transcribe": "on"}


async def test_an_owner_changes_how_calls_are_answered(cast: Cast) -> None:
    tab = await opened(cast, cast.alice)
    await tab.call(VoiceState.save_greeting, GREETING)
    await tab.call(VoiceState.save_hours, HOURS)
    await tab.call(VoiceState.save_ringing, {"ring_number": "(415) 555-0300", "ring_seconds": "15"})
    state = await tab.call(VoiceState.save_text_back, TEXT)
    assert (state.tone, set(state.errors.values()), state.item.days[0].text) == (
        "good", {""}, "09:00-12:00, 13:00-17:00",
    )  # fmt: skip
    config = await config_of(cast)
    assert (config["ring"]["number"], config["text_back"]["is_on"], config["voice"]) == (
        "+14155550300", True, "Polly.Amy",
    )  # fmt: skip
    await tab.call(VoiceState.save_hours, {})
    assert "hours" not in await config_of(cast)


@pytest.mark.parametrize(
    ("handler", "form", "field"),
    [
        (VoiceState.save_greeting, GREETING | {"greeting": " "}, "greeting"),
        (VoiceState.save_greeting, GREETING | {"closed_greeting": "x" * 700}, "closed_greeting"),
        (VoiceState.save_greeting, GREETING | {"voice": "Polly.Nobody"}, "voice"),
        (VoiceState.save_greeting, GREETING | {"max_seconds": "1e9"}, "max_seconds"),
        (VoiceState.save_hours, HOURS | {"day_4": "never"}, "day_4"),
        (VoiceState.save_hours, HOURS | {"holidays": "Christmas"}, "holidays"),
        (VoiceState.save_hours, HOURS | {"timezone": "Mars/Base"}, "timezone"),
        (VoiceState.save_ringing, {"ring_number": "12", "ring_seconds": "15"}, "ring_number"),
        (VoiceState.save_ringing, {"ring_number": "+14155550300", "ring_seconds": "99"}, "ring_seconds"),
        (VoiceState.save_text_back, TEXT | {"text_back_text": ""}, "text_back_text"),
        (VoiceState.save_text_back, TEXT | {"window_hours": "7"}, "window_hours"),
        (VoiceState.save_text_back, TEXT | {"quiet_from": "late"}, "quiet_from"),
    ],
)
async def test_bad_input_gets_a_sentence_beside_its_field(
    cast: Cast, handler: Any, form: dict[str, str], field: str
) -> None:
    before = await config_of(cast)
    state = await (await opened(cast, cast.alice)).call(handler, form)
    assert [name for name, sentence in state.errors.items() if sentence] == [field]
    assert state.errors[field].endswith(".")
    assert (state.notice, await config_of(cast)) == ("", before)


async def test_an_agent_looks_and_changes_nothing(cast: Cast) -> None:
    tab = await opened(cast, cast.bob)
    assert (tab.state(VoiceState).item.id != "", tab.state(VoiceState).may_change) == (True, False)
    state = await tab.call(VoiceState.save_greeting, GREETING)
    assert (state.tone, state.notice) == ("bad", "Only an owner can change channels.")


async def test_anothers_channel_looks_like_a_made_up_one(cast: Cast) -> None:
    seen = []
    for target in (cast.acme.channels[ChannelKind.VOICEMAIL], uuid4(), "junk", cast.globex.channels[ChannelKind.SMS]):
        tab = await sign_in(cast.charlie)
        await tab.call(VoiceState.load, voice_channel_id=target)
        await tab.call(VoiceState.save_greeting, GREETING)
        seen.append(tab.state(VoiceState))
    assert (seen[0].item, seen[0].is_missing) == (VoiceItem(), True)
    assert seen[0].dict() == seen[1].dict() == seen[2].dict()
    assert seen[3].is_missing
