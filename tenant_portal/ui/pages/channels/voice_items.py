"""How one channel answers calls, as small values for its form."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tenant_portal.channels import rules
from tenant_portal.channels.queries import ChannelRow
from tenant_portal.voicemail import answering, greeting_files, hours
from tenant_portal.voicemail.voices import voice_for

DEFAULT_DAY, DAYS_OFF = "09:00-17:00", 2


@dataclass(frozen=True)
class DayItem:
    """A weekday and its spans as text; `key` is the field's name."""

    key: str
    name: str
    text: str


@dataclass(frozen=True)
class VoiceItem:
    """Everything the form shows; the two addresses are those of the files that are played, empty for written words."""

    id: str = ""
    number: str = ""
    greeting: str = ""
    closed_greeting: str = ""
    voice: str = ""
    max_seconds: str = "120"
    transcribe: bool = True
    open_url: str = ""
    closed_url: str = ""
    is_open_now: bool = True
    has_hours: bool = False
    timezone: str = "UTC"
    days: list[DayItem] = field(default_factory=list)
    holidays: str = ""
    ring_number: str = ""
    ring_seconds: str = "18"
    ring_only_open: bool = True
    text_is_on: bool = False
    text: str = ""
    window_hours: str = "24"
    quiet_from: str = "21:00"
    quiet_until: str = "08:00"


def voice_item(row: ChannelRow, client: str) -> VoiceItem:
    """The settings of a channel; what was never set starts with a proposal."""
    config, now = row.config, datetime.now(UTC)
    kept, text_back = config.get("hours"), config.get("text_back") or {}
    ring = config.get("ring") or {}
    return VoiceItem(
        id=str(row.id),
        number=rules.display(row.phone_number),
        greeting=str(config.get("greeting") or rules.default_greeting(client)),
        closed_greeting=str(config.get("closed_greeting") or ""),
        voice=voice_for(str(config.get("voice") or ""), str(config.get("language") or "en-US")),
        max_seconds=str(config.get("max_seconds") or 120),
        transcribe=config.get("transcribe") is True,
        open_url=_url(config, answering.OPEN),
        closed_url=_url(config, answering.CLOSED),
        is_open_now=answering.is_open(config, now),
        has_hours=kept is not None,
        timezone=str(kept["timezone"]) if kept else rules.timezone_of(row.phone_number),
        days=_days(kept),
        holidays="\n".join(kept.get("holidays", ())) if kept else "",
        ring_number=rules.display(str(ring["number"])) if ring else "",
        ring_seconds=str(ring.get("seconds", 18)),
        ring_only_open=bool(ring.get("only_open", True)),
        text_is_on=text_back.get("is_on") is True,
        text=str(text_back.get("text") or f"Sorry we missed your call. How can we help? {client}"),
        window_hours=str(text_back.get("window_hours", 24)),
        quiet_from=str(text_back.get("quiet_from", "21:00")),
        quiet_until=str(text_back.get("quiet_until", "08:00")),
    )


def _url(config: dict[str, Any], occasion: str) -> str:
    file = (config.get("files") or {}).get(occasion)
    return greeting_files.path_of(file["key"], file["ending"]) if file else ""


def _days(kept: dict[str, Any] | None) -> list[DayItem]:
    working = len(hours.DAYS) - DAYS_OFF
    texts = (
        [hours.day_text(day) for day in hours.of_config(kept).week]
        if kept
        else [DEFAULT_DAY] * working + [""] * DAYS_OFF
    )
    return [DayItem(f"day_{n}", name, text) for n, (name, text) in enumerate(zip(hours.DAYS, texts, strict=True))]
