"""Somebody outside who asks the portal over HTTP: Twilio, a forger, a browser."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import httpx

from tenant_portal.twilio_gateway.signatures import SIGNATURE_HEADER, sign

SECONDS = 20.0
FORM_TYPE = "application/x-www-form-urlencoded"
Form = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def shape(self) -> tuple[int, str, str]:
        """What must not differ between another client's thing and a made-up one."""
        return self.status, self.headers.get("content-type", ""), self.headers.get("location", "")


class Visitor:
    """Keeps no cookies of its own: each request says as whom it comes."""

    def __init__(self, address: str, origin: str) -> None:
        """`address` is where the portal is reached, `origin` how it calls itself (and what Twilio signs)."""
        self.address = address.rstrip("/")
        self.origin = origin
        self._http = httpx.AsyncClient(base_url=self.address, timeout=SECONDS, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, cookie: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        """A GET as the holder of this cookie."""
        return await self.ask("GET", path, cookie=cookie, headers=headers)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        cookie: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Any request. Redirects are shown, not followed."""
        sent = {"cookie": cookie, **(headers or {})} if cookie else dict(headers or {})
        # The server's name is the configured one, wherever it listens: as behind a reverse proxy.
        sent.setdefault("host", httpx.URL(self.origin).netloc.decode())
        answer = await self._http.request(method, path, headers=sent, content=body)
        self._http.cookies.clear()
        return Answer(answer.status_code, answer.headers, answer.text)

    async def submit(self, path: str, form: Form, *, cookie: str = "") -> Answer:
        """A form as a browser on one of our own pages submits it."""
        headers = {"content-type": FORM_TYPE, "origin": self.origin, "referer": f"{self.origin}/"}
        return await self.ask("POST", path, cookie=cookie, headers=headers, body=urlencode(form).encode())

    async def call(self, path: str, form: Form, signature: str | None, **headers: str) -> Answer:
        """A webhook with this signature, or without one."""
        sent = {"content-type": FORM_TYPE, **headers}
        if signature is not None:
            sent[SIGNATURE_HEADER] = signature
        return await self.ask("POST", path, headers=sent, body=urlencode(form).encode())

    def signature(self, path: str, form: Form, token: str) -> str:
        """What Twilio writes into the header for this path and form."""
        return sign(f"{self.origin}{path}", form, token)
