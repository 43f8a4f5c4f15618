"""A request as it came in: read within limits, kept so that it can be decided again later."""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from uuid import UUID

from starlette.types import Receive, Scope

from tenant_portal.config import settings
from tenant_portal.front_door.refusal import Refused
from tenant_portal.models.ids import uuid7
from tenant_portal.twilio_gateway.signatures import SHARED_KEY_HEADER, SIGNATURE_HEADER

MAX_BODY_BYTES = 64 * 1024
BODY_SECONDS = 5.0
FORM_TYPE = b"application/x-www-form-urlencoded"
_SIGNATURE, _SHARED_KEY = SIGNATURE_HEADER.encode(), SHARED_KEY_HEADER.encode()


class ClientGone(Exception):
    """The connection closed before the body was complete; there is nobody to answer."""


@dataclass(frozen=True)
class Received:
    """One request to a webhook. `path` and `query` are raw, as signed; `ids` are the path's own parameters.

    `message_id` is the id its message will have; `received_at` is set once the request is no longer handled at once.
    """

    kind: str
    path: str
    query: str
    body: bytes
    signature: str | None
    names_shared_key: bool = False
    source: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)
    message_id: UUID = field(default_factory=uuid7)
    received_at: datetime | None = None

    @cached_property
    def url(self) -> str:
        """The URL that Twilio signed: never from Host or X-Forwarded-*, which anybody can write."""
        return f"{settings().origin}{self.path}{'?' if self.query else ''}{self.query}"

    def kept(self) -> "Received":
        """The same, with the time it came in fixed."""
        return self if self.received_at else replace(self, received_at=datetime.now(UTC))

    def to_bytes(self) -> bytes:
        """For the spool and the quarantine; to be sealed."""
        kept = self.kept()
        values = {
            "kind": kept.kind,
            "path": kept.path,
            "query": kept.query,
            "signature": kept.signature,
            "names_shared_key": kept.names_shared_key,
            "source": kept.source,
            "body": base64.b64encode(kept.body).decode(),
            "ids": dict(kept.ids),
            "message_id": str(kept.message_id),
            "received_at": str(kept.received_at),
        }
        return json.dumps(values).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Received":
        """Back from `to_bytes`."""
        values = json.loads(data)
        values["body"] = base64.b64decode(values["body"])
        values["message_id"] = UUID(values["message_id"])
        values["received_at"] = datetime.fromisoformat(values["received_at"])
        return cls(**values)


async def read(kind: str, scope: Scope, receive: Receive) -> Received:
    """Take a request in. Refused: 405, 415, 413 or 408. ClientGone: nobody is left to answer."""
    if scope["method"] != "POST":
        raise Refused(405, "method")
    headers: dict[bytes, bytes] = dict(scope["headers"])
    if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != FORM_TYPE:
        raise Refused(415, "content-type")
    body = await _body(headers.get(b"content-length", b""), receive)
    signature = headers.get(_SIGNATURE)
    return Received(
        kind=kind,
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        body=body,
        signature=signature.decode("latin-1") if signature is not None else None,
        names_shared_key=_SHARED_KEY in headers,
        source=source_of(scope),
        ids=scope.get("path_params") or {},
    )


def source_of(scope: Scope) -> str:
    """The address a request came from, as the web server tells it."""
    return str((scope.get("client") or ("", 0))[0])[:64]


def is_unsigned(scope: Scope) -> bool:
    """Whether there is no signature at all, which can be told before the body is there."""
    return not any(name == _SIGNATURE for name, _ in scope["headers"])


async def _body(length: bytes, receive: Receive) -> bytes:
    if length.isdigit() and int(length[:10]) > MAX_BODY_BYTES:
        raise Refused(413, "too-large")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _chunks(receive)
    except TimeoutError:
        raise Refused(408, "slow-body") from None


async def _chunks(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Refused(413, "too-large")
        if not message.get("more_body"):
            return body
