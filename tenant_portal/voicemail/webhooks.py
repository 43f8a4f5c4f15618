"""What Twilio asks and tells about a call: how to answer it, its recording, its transcript, its end.

Everything after the call itself finds the call by CallSid, in any order, twice or never; the id in the path only keeps
two calls' callbacks apart at Twilio.
"""

from typing import Any
from uuid import UUID

from starlette.responses import Response

from tenant_portal.config import settings
from tenant_portal.front_door.addresses import caller, normalise, place
from tenant_portal.front_door.endpoints import Endpoint
from tenant_portal.front_door.events import MAX_URL, SETTLED, Row, Stored, change, message
from tenant_portal.front_door.received import Received
from tenant_portal.front_door.verify import Webhook, account_in_url, claim
from tenant_portal.models.base import now
from tenant_portal.models.enums import ChannelKind, RecordingState, TranscriptState
from tenant_portal.models.ids import uuid7
from tenant_portal.twilio_gateway import twiml
from tenant_portal.voicemail import answering
from tenant_portal.voicemail.rules import recording_sid, recording_state, sound_url

OVERRIDES = "#rc=3&rp=5xx,ct,rt"
NO_CONTENT = Response(status_code=204)
TAKEN_IN = SETTLED | {"spooled"}
CALL = "Call"
ANSWERED = frozenset({"completed", "answered"})
WRITTEN = frozenset({"greeting", "language", "voice", "max_seconds", "transcribe"})


def _xml(document: str) -> Response:
    return Response(document, media_type=twiml.CONTENT_TYPE)


APOLOGY = _xml(twiml.apology())
GOODBYE = _xml(twiml.goodbye())
HANG_UP = _xml(twiml.hangup())


def _call(webhook: Webhook) -> Row:
    get, sid = webhook.get, webhook.need("CallSid")
    told = {
        "call_status": "CallStatus",
        "forwarded_from": "ForwardedFrom",
        "caller_verified": "StirVerstat",
        "fallback_error": "ErrorCode",
    }
    return message(
        tenant_id=webhook.tenant_id,
        message_id=webhook.message_id,
        kind=ChannelKind.VOICEMAIL,
        provider_sid=sid,
        lead_address=caller(get("From"), sid, get("FromCountry")),
        channel_number=normalise(webhook.need("To"), get("ToCountry")),
        our_number=get("To"),
        lead_number=get("From"),
        preview=CALL,
        profile_name=get("CallerName"),
        place=place(get),
        details={key: get(name)[:200] for key, name in told.items() if get(name)},
        received_at=webhook.received_at,
    )


def _answer(received: Received, stored: Stored) -> Response:
    """Ring a phone first where the channel wants that, else greet."""
    ringing = answering.ringing_of(_settings(stored), now()) if stored.outcome in TAKEN_IN else None
    if ringing is None:
        return _greet(received, stored)
    action_url = _callback(_call_id(received, stored), "dialed", account_in_url(received))
    return _xml(twiml.ring(ringing.number, seconds=ringing.seconds, action_url=action_url))


def _greet(received: Received, stored: Stored) -> Response:
    if stored.outcome not in TAKEN_IN:
        return APOLOGY
    return greeting(_call_id(received, stored), account_in_url(received), _settings(stored))


def _greet_plainly(received: Received, stored: Stored) -> Response:
    """After something failed: the written greeting alone, since the file or the phone may be what failed."""
    if stored.outcome not in TAKEN_IN:
        return APOLOGY
    written = {name: value for name, value in _settings(stored).items() if name in WRITTEN}
    return greeting(_call_id(received, stored), account_in_url(received), written)


def _settings(stored: Stored) -> dict[str, Any]:
    return stored.config if isinstance(stored.config, dict) else {}


def _call_id(received: Received, stored: Stored) -> UUID:
    return stored.message_id or received.message_id


def greeting(call_id: UUID, account_sid: str, config: dict[str, Any]) -> Response:
    """Greeting, beep and recording as the channel's `config` says; if that is unusable, the standard one."""
    try:
        said = answering.greeting_of(config, now())
        document = twiml.voicemail_greeting(
            action_url=_callback(call_id, "action", account_sid),
            recording_url=_callback(call_id, "recording", account_sid),
            transcription_url=_callback(call_id, "transcription", account_sid) if said.transcribe else None,
            greeting=said.text,
            greeting_audio_url=said.audio_url,
            max_seconds=said.max_seconds,
            language=said.language,
            voice=said.voice,
        )
    except (AttributeError, TypeError, ValueError):
        return greeting(call_id, account_sid, {})
    return _xml(document)


def _callback(call_id: UUID, what: str, account_sid: str) -> str:
    return f"{settings().origin}/api/webhooks/voicemail/{call_id}/{what}?account={account_sid}{OVERRIDES}"


def _action(webhook: Webhook) -> Row:
    """The end of the recording, before its file exists: only a hint, in case nothing better ever comes."""
    return _recording_row(webhook, RecordingState.EXPECTED, hint=True)


def _recording(webhook: Webhook) -> Row:
    return _recording_row(webhook, recording_state(webhook.need("RecordingStatus")), hint=False)


def _recording_row(webhook: Webhook, state: RecordingState, *, hint: bool) -> Row:
    url = webhook.get("RecordingUrl")
    has_file = state is RecordingState.COMPLETED or hint
    call_sid = webhook.need("CallSid")
    data = {
        "call_sid": call_sid,
        "recording_sid": _recording_sid(webhook),
        "state": state,
        "hint": hint,
        "url": sound_url(url) if has_file and len(url) <= MAX_URL else "",
        "duration": webhook.whole("RecordingDuration"),
        "media_id": str(uuid7()),
        "voicemail_id": str(uuid7()),
    }
    return change("recording", webhook.tenant_id, call_sid, data)


def _recording_sid(webhook: Webhook) -> str:
    return webhook.get("RecordingSid") or recording_sid(webhook.get("RecordingUrl")) or webhook.need("RecordingSid")


def _transcription(webhook: Webhook) -> Row:
    is_done = webhook.need("TranscriptionStatus") == "completed"
    data = {
        "call_sid": webhook.need("CallSid"),
        "recording_sid": _recording_sid(webhook),
        "state": TranscriptState.COMPLETED if is_done else TranscriptState.FAILED,
        "text": webhook.get("TranscriptionText") if is_done else "",
        "voicemail_id": str(uuid7()),
    }
    return change("transcription", webhook.tenant_id, data["call_sid"], data)


def _call_end(webhook: Webhook) -> Row:
    told = {
        "call_status": webhook.need("CallStatus")[:40],
        "call_seconds": webhook.whole("CallDuration"),
        "call_sequence": webhook.whole("SequenceNumber") or 0,
    }
    call_sid = webhook.need("CallSid")
    details = {key: value for key, value in told.items() if value is not None}
    return change("call-end", webhook.tenant_id, call_sid, {"call_sid": call_sid, "details": details})


def _dialed(webhook: Webhook) -> Row:
    """What became of ringing a phone first."""
    status, call_sid = webhook.need("DialCallStatus")[:40], webhook.need("CallSid")
    details: dict[str, Any] = {"dial_status": status}
    if status in ANSWERED:
        details["answered_seconds"] = webhook.whole("DialCallDuration") or 0
    return change("call-end", webhook.tenant_id, call_sid, {"call_sid": call_sid, "details": details})


def _after_ringing(received: Received, _: Stored) -> Response:
    """The end of a call that was answered; else on to the greeting, which needs the channel's settings again."""
    form = claim(received)
    if form.values.get("DialCallStatus") in ANSWERED:
        return HANG_UP
    url = f"{settings().origin}/api/webhooks/voicemail/greeting?account={form.account_sid}{OVERRIDES}"
    return _xml(twiml.redirect(url))


def _say_goodbye(_: Received, __: Stored) -> Response:
    return GOODBYE


def _no_content(_: Received, __: Stored) -> Response:
    return NO_CONTENT


call = Endpoint("voicemail", _call, _answer, last_resort=APOLOGY)
# The same call once more, which is stored once: after nobody picked up, and after the first address failed.
unanswered = Endpoint("unanswered", _call, _greet, last_resort=APOLOGY)
fallback = Endpoint("call-fallback", _call, _greet_plainly, last_resort=APOLOGY)
dialed = Endpoint("dialed", _dialed, _after_ringing, last_resort=APOLOGY)
action = Endpoint("action", _action, _say_goodbye, last_resort=GOODBYE)
recording = Endpoint("recording", _recording, _no_content)
transcription = Endpoint("transcription", _transcription, _no_content)
call_end = Endpoint("call-end", _call_end, _no_content)
