"""What Twilio sends to each of our webhook addresses, for one client, with a marker in whatever a person would read."""

import secrets
from collections.abc import Callable
from uuid import uuid4

from tenant_portal.simulator.two_tenant_check.actors import Actor
from tenant_portal.simulator.two_tenant_check.visitor import Form

LEAD = "+14155550143"
PREFIX = "/api/webhooks"
STRANGERS = "ACfeedc4ec"
Fields = dict[str, str]


def sid(prefix: str) -> str:
    """A made-up SID."""
    return prefix + secrets.token_hex(16)


def stranger() -> str:
    """The SID of an account that nobody has, known again as one of ours when the check cleans up."""
    return STRANGERS + secrets.token_hex(12)


def text_message(actor: Actor, marker: str) -> Fields:
    """An incoming SMS."""
    message = sid("SM")
    return {
        "MessageSid": message,
        "SmsSid": message,
        "SmsMessageSid": message,
        "From": LEAD,
        "To": actor.number,
        "Body": f"Hello {marker}",
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "FromCity": "",
    }


def whatsapp_message(actor: Actor, marker: str) -> Fields:
    """An incoming WhatsApp message with a place."""
    whatsapp = {"From": f"whatsapp:{LEAD}", "To": f"whatsapp:{actor.number}", "WaId": LEAD[1:]}
    place = {"Latitude": "52.5163", "Longitude": "13.3777", "Address": f"Street {marker}", "Label": f"Shop {marker}"}
    return {**text_message(actor, marker), **whatsapp, **place, "ProfileName": f"Profile {marker}"}


def call(actor: Actor, marker: str) -> Fields:
    """An incoming call."""
    return {
        "CallSid": sid("CA"),
        "From": LEAD,
        "To": actor.number,
        "CallStatus": "ringing",
        "Direction": "inbound",
        "CallerName": f"Caller {marker}",
    }


def recording(actor: Actor, _: str) -> Fields:
    """A recording of the client's call is ready."""
    recording_sid = sid("RE")
    url = f"https://api.twilio.com/2010-04-01/Accounts/{actor.account_sid}/Recordings/{recording_sid}"
    return {
        "CallSid": actor.call[1],
        "RecordingSid": recording_sid,
        "RecordingUrl": url,
        "RecordingStatus": "absent",
        "RecordingDuration": "4",
    }


def transcription(actor: Actor, marker: str) -> Fields:
    """A recording of the client's call in words."""
    return {
        "CallSid": actor.call[1],
        "RecordingSid": sid("RE"),
        "TranscriptionSid": sid("TR"),
        "TranscriptionStatus": "completed",
        "TranscriptionText": f"Please call {marker}",
    }


def dialed(actor: Actor, _: str) -> Fields:
    """Nobody picked up the phone that rings first."""
    return {"CallSid": actor.call[1], "DialCallStatus": "no-answer", "DialCallSid": sid("CA"), "To": actor.number}


def call_end(actor: Actor, _: str) -> Fields:
    """The client's call is over."""
    number = str(secrets.randbelow(10**6))
    return {"CallSid": actor.call[1], "CallStatus": "completed", "CallDuration": number, "SequenceNumber": "9"}


def status(actor: Actor, _: str) -> Fields:
    """An answer of the client has been read."""
    return {"MessageSid": actor.sent[1], "SmsSid": actor.sent[1], "MessageStatus": "read", "To": LEAD}


def anything(actor: Actor, marker: str) -> Fields:
    """For an address nobody has described yet: what most of them want."""
    return {**text_message(actor, marker), "CallSid": actor.call[1]}


FORMS: dict[str, Callable[[Actor, str], Fields]] = {
    f"{PREFIX}/sms": text_message,
    f"{PREFIX}/sms/fallback": text_message,
    f"{PREFIX}/whatsapp": whatsapp_message,
    f"{PREFIX}/whatsapp/fallback": whatsapp_message,
    f"{PREFIX}/voicemail": call,
    f"{PREFIX}/voicemail/fallback": call,
    f"{PREFIX}/voicemail/greeting": call,
    f"{PREFIX}/voicemail/status": call_end,
    f"{PREFIX}/voicemail/{{message_id}}/dialed": dialed,
    f"{PREFIX}/voicemail/{{message_id}}/action": recording,
    f"{PREFIX}/voicemail/{{message_id}}/recording": recording,
    f"{PREFIX}/voicemail/{{message_id}}/transcription": transcription,
    f"{PREFIX}/status/{{message_id}}": status,
}


def path_of(template: str, actor: Actor) -> str:
    """The address with this client's own ids in it."""
    return template.replace("{message_id}", actor.sent[0] if "/status/" in template else actor.call[0])


def form_of(template: str, actor: Actor, marker: str) -> Form:
    """What Twilio would send to this address."""
    fields = FORMS.get(template, anything)(actor, marker)
    return tuple({"AccountSid": actor.account_sid, "ApiVersion": "2010-04-01", **fields}.items())


def unknown_id() -> str:
    """An id that nothing has."""
    return str(uuid4())
