"""Greetings that were uploaded or recorded: which files Twilio can play, and the addresses at which it finds them.

Twilio fetches a file without credentials, so its address is the secret: sealed with the portal's key, and good for this
one file only. It needs no database, so that callers hear their greeting while that is away.
"""

import hashlib
import hmac
import io
import re
import wave

from tenant_portal.config import settings
from tenant_portal.errors import BadInput, NotFound
from tenant_portal.inbox import file_types
from tenant_portal.inbox.file_types import FileType

PREFIX = "/greetings"
MAX_BYTES = 6 * 1024 * 1024
LONGEST_SECONDS = 180
# What Twilio's <Play> takes and browsers play as well.
TYPES = {kind.ending: kind for kind in (file_types.MP3, file_types.WAV)}
_KEY = re.compile(r"[0-9a-f-]{36}/[0-9a-f-]{36}\Z")
TOO_LARGE = f"The recording is too large: at most {MAX_BYTES // 1024 // 1024} MB, which is plenty for a greeting."
NO_SOUND = "This is not a sound that Twilio can play. Use an MP3 or WAV file."


def url_of(key: str, ending: str) -> str:
    """The absolute address of a greeting in the object store; ValueError for a key that is none."""
    return settings().origin + path_of(key, ending)


def path_of(key: str, ending: str) -> str:
    """The same without scheme and host."""
    if not _KEY.match(key) or ending not in TYPES:
        raise ValueError("no greeting has this key")
    return f"{PREFIX}/{key}/{_seal(next(iter(settings().keys.values())), key, ending)}.{ending}"


def opened(tenant_id: str, file_id: str, name: str) -> tuple[str, FileType]:
    """Key and type of the file behind an address; NotFound unless the portal itself has made that address."""
    seal, _, ending = name.rpartition(".")
    key = f"{tenant_id}/{file_id}"
    known = any(hmac.compare_digest(_seal(secret, key, ending), seal) for secret in settings().keys.values())
    if not known or ending not in TYPES or not _KEY.match(key):
        raise NotFound("This file does not exist.")
    return key, TYPES[ending]


def of_content(content: bytes) -> FileType:
    """The type of an uploaded greeting, by its bytes; BadInput for what Twilio could not play."""
    if len(content) > MAX_BYTES:
        raise BadInput(TOO_LARGE, field="file")
    kind = file_types.sniff(content)
    if kind is None or kind.ending not in TYPES:
        raise BadInput(NO_SOUND, field="file")
    if kind == file_types.WAV:
        _refuse_unplayable(content)
    return kind


def _refuse_unplayable(content: bytes) -> None:
    try:
        with wave.open(io.BytesIO(content)) as sound:
            seconds = sound.getnframes() / sound.getframerate()
    except (wave.Error, EOFError, ZeroDivisionError):
        raise BadInput(NO_SOUND, field="file") from None
    if not 0 < seconds <= LONGEST_SECONDS:
        raise BadInput(f"A greeting has at most {LONGEST_SECONDS // 60} minutes.", field="file")


def _seal(secret: bytes, key: str, ending: str) -> str:
    # A key of its own for this purpose: what seals credentials signs nothing that leaves the portal.
    purpose = hmac.digest(secret, b"address of a greeting", "sha256")
    return hmac.new(purpose, f"{key}.{ending}".encode(), hashlib.sha256).hexdigest()
