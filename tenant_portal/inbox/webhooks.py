"""What Twilio tells about messages: a new one from a lead, and how far one of ours has come."""

from uuid import UUID

from starlette.responses import Response

from tenant_portal.front_door.addresses import normalise, place
from tenant_portal.front_door.endpoints import Endpoint
from tenant_portal.front_door.events import Row, Stored, change, message
from tenant_portal.front_door.received import Received
from tenant_portal.front_door.refusal import Refused
from tenant_portal.front_door.verify import Webhook
from tenant_portal.inbox import inbound
from tenant_portal.inbox.rules import NOT_DELIVERED, from_twilio
from tenant_portal.models.enums import ChannelKind
from tenant_portal.twilio_gateway import twiml
from tenant_portal.twilio_gateway.error_codes import describe

# Never text/plain: Twilio would send such a body to the lead as a message.
NOTHING_TO_SAY = Response(twiml.empty_response(), media_type=twiml.CONTENT_TYPE)
NO_CONTENT = Response(status_code=204)


def _message(webhook: Webhook, kind: ChannelKind) -> Row:
    get = webhook.get
    sender, ours = webhook.need("From"), webhook.need("To")
    return message(
        tenant_id=webhook.tenant_id,
        message_id=webhook.message_id,
        kind=kind,
        provider_sid=webhook.need("MessageSid"),
        lead_address=normalise(sender, get("FromCountry")),
        channel_number=normalise(ours, get("ToCountry")),
        our_number=ours,
        lead_number=sender,
        body=get("Body"),
        preview=inbound.preview(get),
        profile_name=get("ProfileName"),
        place=place(get),
        opt_out=inbound.opt_out(get),
        details=inbound.details(get) if webhook.has_any(inbound.RARE) else None,
        media=inbound.media(get) if webhook.has_any(inbound.MEDIA) else (),
        received_at=webhook.received_at,
    )


def _sms(webhook: Webhook) -> Row:
    return _message(webhook, ChannelKind.SMS)


def _whatsapp(webhook: Webhook) -> Row:
    return _message(webhook, ChannelKind.WHATSAPP)


def _status(webhook: Webhook) -> Row:
    """A status of our message `message_id` of the path, which Twilio may tell before our send has returned."""
    word = webhook.get("MessageStatus") or webhook.need("SmsStatus")
    status = from_twilio("read" if webhook.get("EventType") == "READ" else word.lower())
    code = webhook.whole("ErrorCode") if status in NOT_DELIVERED else None
    told = {
        "unknown_status": "" if status else word[:40],
        "carrier_time": webhook.get("RawDlrDoneDate")[:20],
        "channel_message": webhook.get("ChannelStatusMessage")[:500],
    }
    sid = webhook.need("MessageSid")
    data = {
        "message_id": str(path_id(webhook)),
        "sid": sid,
        "status": status or "",
        "error_code": code,
        "error_text": describe(code) if code else None,
        "details": {key: value for key, value in told.items() if value},
    }
    return change("status", webhook.tenant_id, sid, data)


def path_id(webhook: Webhook) -> UUID:
    """The message id in the path; Refused 404 for anything else."""
    try:
        return UUID(webhook.received.ids["message_id"])
    except ValueError:
        raise Refused(404, "unknown-path") from None


def _say_nothing(_: Received, __: Stored) -> Response:
    return NOTHING_TO_SAY


def _no_content(_: Received, __: Stored) -> Response:
    return NO_CONTENT


sms = Endpoint("sms", _sms, _say_nothing)
whatsapp = Endpoint("whatsapp", _whatsapp, _say_nothing)
status = Endpoint("status", _status, _no_content)
