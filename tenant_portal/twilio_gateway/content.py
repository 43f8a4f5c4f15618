"""Message templates as Twilio's Content API has them, and the way from and to its shapes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class ContentKind(StrEnum):
    """The content types that this portal writes and reads."""

    TEXT = "twilio/text"
    MEDIA = "twilio/media"
    QUICK_REPLY = "twilio/quick-reply"
    CALL_TO_ACTION = "twilio/call-to-action"


@dataclass(frozen=True, slots=True)
class ContentButton:
    """A button. `action` is `reply`, `url` or `phone`; `value` what comes back, is opened or is called."""

    action: str
    title: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a template says. Variables stand in the body as `{{1}}`; `samples` are by number, as text."""

    name: str
    language: str
    kind: ContentKind
    body: str
    media_url: str = ""
    buttons: tuple[ContentButton, ...] = ()
    samples: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioTemplate:
    """A template of the subaccount. `content` is None for a content type that this portal does not know.

    `status` is Twilio's word (`unsubmitted`, `received`, `pending`, `approved`, `rejected`, `paused`, `disabled`).
    """

    sid: str
    name: str
    content: Content | None
    status: str
    category: str
    rejection_reason: str
    created_at: datetime | None


def to_request(content: Content) -> dict[str, object]:
    """The body of a request that makes this content."""
    shape: dict[str, object] = {"body": content.body}
    if content.kind is ContentKind.MEDIA:
        shape["media"] = [content.media_url]
    if content.buttons:
        shape["actions"] = [_action(button) for button in content.buttons]
    return {
        "friendly_name": content.name,
        "language": content.language,
        "variables": dict(content.samples),
        "types": {content.kind.value: shape},
    }


def to_template(found: Any) -> TwilioTemplate:
    """A ContentAndApprovals resource."""
    approval = found.approval_requests or {}
    return TwilioTemplate(
        sid=found.sid,
        name=found.friendly_name or "",
        content=_content(found),
        status=str(approval.get("status") or "unsubmitted"),
        category=str(approval.get("category") or ""),
        rejection_reason=str(approval.get("rejection_reason") or ""),
        created_at=found.date_created if isinstance(found.date_created, datetime) else None,
    )


def _content(found: Any) -> Content | None:
    known = {kind.value for kind in ContentKind}
    types = [(word, shape) for word, shape in (found.types or {}).items() if word in known]
    if len(types) != 1 or len(found.types) != 1:
        return None
    word, shape = types[0]
    return Content(
        name=found.friendly_name or "",
        language=found.language or "",
        kind=ContentKind(word),
        body=shape.get("body") or "",
        media_url=next(iter(shape.get("media") or ()), ""),
        buttons=tuple(_button(action) for action in shape.get("actions") or ()),
        samples={str(key): str(value) for key, value in (found.variables or {}).items()},
    )


def _action(button: ContentButton) -> dict[str, str]:
    if button.action == "reply":
        return {"type": "QUICK_REPLY", "title": button.title, "id": button.value}
    if button.action == "phone":
        return {"type": "PHONE_NUMBER", "title": button.title, "phone": button.value}
    return {"type": "URL", "title": button.title, "url": button.value}


def _button(action: Mapping[str, str]) -> ContentButton:
    title = action.get("title") or ""
    if action.get("phone"):
        return ContentButton("phone", title, action["phone"])
    if action.get("url"):
        return ContentButton("url", title, action["url"])
    return ContentButton("reply", title, action.get("id") or title)
