"""Sealing of credentials with AES-256-GCM, each bound to the row and column it stands in.

Layout: version (1 byte), length of the key id (1), key id, nonce (12), ciphertext and tag (n + 16).
A sealed value copied to another tenant, table, column or row does not open.
"""

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tenant_portal.config import settings
from tenant_portal.errors import PortalError

VERSION = 1
NONCE_BYTES = 12


class CannotOpen(PortalError):
    """A sealed value does not open: wrong key, other row, or changed bytes."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value stands; part of what is authenticated."""

    table: str
    column: str
    tenant_id: UUID | None
    row: str

    def associated_data(self, key_id: str) -> bytes:
        return "|".join((self.table, self.column, str(self.tenant_id), self.row, key_id)).encode()


def seal(plaintext: str | bytes, place: Place) -> bytes:
    """Encrypt with the first key of PORTAL_SECRET_KEYS."""
    key_id, key = next(iter(settings().keys.items()))
    nonce = secrets.token_bytes(NONCE_BYTES)
    data = plaintext.encode() if isinstance(plaintext, str) else plaintext
    return sealing_header() + nonce + AESGCM(key).encrypt(nonce, data, place.associated_data(key_id))


def sealing_header() -> bytes:
    """How every value begins that is sealed now: what begins otherwise is stale."""
    key_id = next(iter(settings().keys))
    return bytes((VERSION, len(key_id))) + key_id.encode()


def unseal_bytes(sealed: bytes, place: Place) -> bytes:
    """The plaintext; CannotOpen where key, place or bytes do not fit."""
    key_id = key_id_of(sealed)
    key = settings().keys.get(key_id)
    if key is None:
        raise CannotOpen(f"No key with the id {key_id!r} is in PORTAL_SECRET_KEYS.")
    body = sealed[2 + len(key_id) :]
    try:
        return AESGCM(key).decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], place.associated_data(key_id))
    except (InvalidTag, ValueError):
        raise CannotOpen("A sealed value does not belong to this row, or was changed.") from None


def unseal(sealed: bytes, place: Place) -> str:
    """As `unseal_bytes`, for text."""
    return unseal_bytes(sealed, place).decode()


def key_id_of(sealed: bytes) -> str:
    """Id of the key that sealed it."""
    if len(sealed) < 2 or sealed[0] != VERSION or len(sealed) < 2 + sealed[1]:
        raise CannotOpen("This is not a sealed value.")
    return sealed[2 : 2 + sealed[1]].decode("ascii", "replace")


def is_stale(sealed: bytes) -> bool:
    """Whether it was sealed with another key than the one that seals now."""
    return key_id_of(sealed) != next(iter(settings().keys))


def new_token() -> str:
    """256 random bits for a session cookie or an invitation link."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is stored of a session or invitation token (SHA-256; the token itself has 256 bits of entropy)."""
    return hashlib.sha256(token.encode()).digest()
