"""How a channel answers its calls: read from its `config`, where anything may stand, without ever failing a caller.

`files` holds what was uploaded or recorded, by occasion: `{"open": {"key": "<tenant>/<file>", "ending": "mp3"}}`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from tenant_portal.twilio_gateway import twiml
from tenant_portal.voicemail import greeting_files, hours
from tenant_portal.voicemail.voices import VOICES

OPEN, CLOSED = OCCASIONS = ("open", "closed")
SHORTEST, LONGEST = 5, 3600
RING_SECONDS = (5, 60)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a caller hears before the tone: a file, else the text in this voice (None: Twilio's basic one)."""

    text: str
    voice: str | None
    language: str
    audio_url: str | None
    max_seconds: int
    transcribe: bool


@dataclass(frozen=True, slots=True)
class Ringing:
    """A phone that rings first, for so many seconds."""

    number: str
    seconds: int


def is_open(config: dict[str, Any], at: datetime) -> bool:
    """Whether the team is there; a channel without hours always is."""
    return not config.get("hours") or _safely(lambda: hours.of_config(config["hours"]).are_open(at), default=True)


def greeting_of(config: dict[str, Any], at: datetime) -> Greeting:
    """The greeting for a call at this moment."""
    occasion = OPEN if is_open(config, at) else CLOSED
    own_text = config.get("greeting") or twiml.GREETING
    text = own_text if occasion == OPEN else config.get("closed_greeting") or own_text
    voice = VOICES.get(str(config.get("voice")))
    return Greeting(
        text=str(text),
        voice=voice.name if voice else None,
        language=voice.language if voice else str(config.get("language") or twiml.LANGUAGE),
        audio_url=_safely(lambda: _audio_url(config, occasion), default=None),
        max_seconds=_safely(lambda: _seconds(config), default=twiml.MAX_SECONDS),
        transcribe=config.get("transcribe") is True,
    )


def ringing_of(config: dict[str, Any], at: datetime) -> Ringing | None:
    """The phone that rings first for a call at this moment, if any."""
    ring: dict[str, Any] = _safely(lambda: dict(config["ring"]), default={})
    if not ring.get("number") or (ring.get("only_open") and not is_open(config, at)):
        return None
    least, most = RING_SECONDS
    return _safely(lambda: Ringing(str(ring["number"]), min(max(int(ring["seconds"]), least), most)), default=None)


def _audio_url(config: dict[str, Any], occasion: str) -> str | None:
    file = (config.get("files") or {}).get(occasion)
    return greeting_files.url_of(file["key"], file["ending"]) if file else None


def _seconds(config: dict[str, Any]) -> int:
    return min(max(int(config.get("max_seconds") or twiml.MAX_SECONDS), SHORTEST), LONGEST)


def _safely(read: Callable[[], Value], *, default: Value) -> Value:
    # A setting that nobody can read costs its own effect, and never the call.
    try:
        return read()
    except Exception:  # noqa: BLE001 - whatever it is, somebody is on the line
        return default
