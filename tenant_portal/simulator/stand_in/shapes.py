"""Records in the JSON shapes of Twilio's documentation."""

from datetime import datetime
from email.utils import format_datetime

from tenant_portal.simulator.stand_in.records import (
    Account,
    Call,
    Media,
    Message,
    Number,
    Recording,
    Sender,
    Template,
    Transcription,
)

API_VERSION = "2010-04-01"
Json = dict[str, object]


def rfc2822(moment: datetime | None) -> str | None:
    """A time as the 2010 API writes it."""
    return format_datetime(moment) if moment else None


def iso8601(moment: datetime) -> str:
    """A time as the newer APIs write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def account(record: Account) -> Json:
    """An account with its auth token."""
    uri = f"/{API_VERSION}/Accounts/{record.sid}"
    parts = ("Calls", "IncomingPhoneNumbers", "Messages", "Recordings", "Transcriptions")
    return {
        "sid": record.sid,
        "owner_account_sid": record.owner_sid,
        "friendly_name": record.friendly_name,
        "auth_token": record.auth_token,
        "status": record.status,
        "type": "Full",
        "date_created": rfc2822(record.created_at),
        "date_updated": rfc2822(record.updated_at),
        "uri": f"{uri}.json",
        "subresource_uris": {part.lower(): f"{uri}/{part}.json" for part in parts},
    }


def number(record: Number) -> Json:
    """An IncomingPhoneNumber."""
    # These fields have Twilio's own names, so they need no translation.
    configured = record.model_dump(include={name for name in Number.model_fields if "url" in name or "method" in name})
    return {
        **configured,
        **_common(record.account_sid, "IncomingPhoneNumbers", record.sid, record.created_at, record.updated_at),
        "phone_number": record.phone_number,
        "friendly_name": record.friendly_name,
        "capabilities": {"voice": True, "sms": True, "mms": record.country in {"US", "CA"}, "fax": False},
        "status_callback": record.status_callback,
        "address_requirements": "none",
        "address_sid": record.address_sid,
        "bundle_sid": record.bundle_sid,
        "identity_sid": None,
        "sms_application_sid": None,
        "voice_application_sid": None,
        "trunk_sid": None,
        "voice_receive_mode": "voice",
        "voice_caller_id_lookup": False,
        "emergency_status": "Active",
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "beta": False,
        "origin": "twilio",
        "status": "in-use",
        "type": record.number_type,
    }


def message(record: Message) -> Json:
    """A Message; its price stays null until it is billed."""
    uri = f"/{API_VERSION}/Accounts/{record.account_sid}/Messages/{record.sid}"
    return {
        **_common(record.account_sid, "Messages", record.sid, record.created_at, record.updated_at),
        "from": record.from_,
        "to": record.to,
        "body": record.body,
        "status": record.status,
        "direction": record.direction,
        "num_segments": str(record.num_segments),
        "num_media": str(record.num_media),
        # Null, not zero, until the bill comes: whoever adds these up has to cope.
        "price": record.price,
        "price_unit": "USD",
        "error_code": record.error_code,
        "error_message": record.error_message,
        "messaging_service_sid": None,
        "date_sent": rfc2822(record.sent_at),
        "subresource_uris": {"media": f"{uri}/Media.json"},
    }


def media(record: Media) -> Json:
    """A file of a message."""
    parent = f"Messages/{record.message_sid}/Media"
    shape = _common(record.account_sid, parent, record.sid, record.created_at, record.updated_at)
    # The only resource here that is documented without it.
    del shape["api_version"]
    return {**shape, "parent_sid": record.message_sid, "content_type": record.content_type}


def recording(record: Recording) -> Json:
    """A recording's metadata."""
    uri = f"/{API_VERSION}/Accounts/{record.account_sid}/Recordings/{record.sid}"
    return {
        **_common(record.account_sid, "Recordings", record.sid, record.created_at, record.updated_at),
        "call_sid": record.call_sid,
        "conference_sid": None,
        "start_time": rfc2822(record.created_at),
        "duration": str(record.seconds),
        "status": record.status,
        "channels": 1,
        "source": "RecordVerb",
        "error_code": None,
        "price": "-0.00250" if record.status == "completed" else None,
        "price_unit": "USD",
        "encryption_details": None,
        "media_url": f"https://api.twilio.com{uri}",
        "subresource_uris": {"transcriptions": f"{uri}/Transcriptions.json"},
    }


def transcription(record: Transcription) -> Json:
    """A recording in words."""
    return {
        **_common(record.account_sid, "Transcriptions", record.sid, record.created_at, record.updated_at),
        "recording_sid": record.recording_sid,
        "status": record.status,
        "duration": str(record.seconds),
        "transcription_text": record.text,
        "type": "fast",
        "price": None,
        "price_unit": "USD",
    }


def call(record: Call) -> Json:
    """An incoming call."""
    return {
        **_common(record.account_sid, "Calls", record.sid, record.created_at, record.updated_at),
        "from": record.from_,
        "from_formatted": record.from_,
        "to": record.to,
        "to_formatted": record.to,
        "phone_number_sid": record.number_sid,
        "status": record.status,
        "direction": "inbound",
        "start_time": rfc2822(record.started_at),
        "end_time": rfc2822(record.ended_at),
        "duration": str(record.seconds),
        "price": None,
        "price_unit": "USD",
        "queue_time": "0",
        "subresource_uris": {},
        **dict.fromkeys(
            ("answered_by", "caller_name", "forwarded_from", "group_sid", "parent_call_sid", "trunk_sid"), None
        ),
    }


def sender(record: Sender) -> Json:
    """A WhatsApp sender; its verification code is never shown."""
    profile: Json = dict.fromkeys(
        ("about", "address", "banner_url", "description", "emails", "logo_url", "name", "vertical", "websites"), None
    )
    return {
        "sid": record.sid,
        "sender_id": f"whatsapp:{record.phone_number}",
        "status": record.status,
        "configuration": {**record.configuration, "verification_code": None},
        "webhook": record.webhook,
        "profile": {**profile, **record.profile},
        "properties": {"quality_rating": "HIGH", "messaging_limit": "1K Customers/24hr"},
        "offline_reasons": None,
        "compliance": None,
        "url": f"https://messaging.twilio.com/v2/Channels/Senders/{record.sid}",
    }


def template(record: Template) -> Json:
    """A content template."""
    url = f"https://content.twilio.com/v1/Content/{record.sid}"
    links = {"approval_fetch": f"{url}/ApprovalRequests", "approval_create": f"{url}/ApprovalRequests/whatsapp"}
    return {**_template(record), "url": url, "links": links}


def template_with_approval(record: Template) -> Json:
    """A content template with what WhatsApp says about it."""
    return {**_template(record), "approval_requests": approval(record)}


def approval(record: Template) -> Json:
    """What WhatsApp says about a template."""
    return {
        "name": record.name,
        "category": record.category,
        "content_type": next(iter(record.types)),
        "status": record.status,
        "rejection_reason": record.rejection_reason,
        "allow_category_change": True,
    }


def _template(record: Template) -> Json:
    return {
        "sid": record.sid,
        "account_sid": record.account_sid,
        "friendly_name": record.friendly_name,
        "language": record.language,
        "variables": record.variables,
        "types": record.types,
        "date_created": iso8601(record.created_at),
        "date_updated": iso8601(record.updated_at),
    }


def _common(account_sid: str, parent: str, sid: str, created: datetime, updated: datetime) -> Json:
    return {
        "sid": sid,
        "account_sid": account_sid,
        "api_version": API_VERSION,
        "date_created": rfc2822(created),
        "date_updated": rfc2822(updated),
        "uri": f"/{API_VERSION}/Accounts/{account_sid}/{parent}/{sid}.json",
    }
