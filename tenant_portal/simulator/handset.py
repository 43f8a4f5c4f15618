"""The handset: plays leads at the simulated Twilio, shows what their phones got, makes faults happen.

async with handset() as phones:
    receipt = await phones.write("+14155550188", "+14155550100", "Hello")
"""

import ssl
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Literal, Self, TypeVar

import httpx
from pydantic import TypeAdapter

from tenant_portal.config import settings
from tenant_portal.errors import PortalError
from tenant_portal.twilio_gateway.simulated_account import simulated_parent_credentials

# A call with its callbacks takes half a minute of simulated life.
TIMEOUT = httpx.Timeout(90.0, connect=3.0)
Result = TypeVar("Result")
HangsUp = Literal["greeting", "message", "never"]


class HandsetError(PortalError):
    """The simulated Twilio is not there or refused; `status` is its HTTP status, None without an answer."""

    def __init__(self, message: str, *, status: int | None = None, permanent: bool = True) -> None:
        super().__init__(message, permanent=permanent)
        self.status = status


@dataclass(frozen=True, slots=True)
class Line:
    """A hosted number and what answers there; `whatsapp_status` is empty where nothing was ever registered."""

    phone_number: str
    account_sid: str
    account_name: str
    account_status: str
    sms: bool
    voice: bool
    whatsapp: bool
    whatsapp_status: str


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone that has written or called; `at` is when it was last active."""

    phone_number: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """A shared location."""

    latitude: float
    longitude: float
    address: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A file in a conversation; `Handset.media` fetches it."""

    sid: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in a phone's history. `outgoing` is seen from the phone, `other` is the hosted number.

    For a call `text` holds what the caller heard, line by line. `arrived` is False while or if a message does not reach
    the phone, with Twilio's `error_code` if there is one.
    """

    kind: Literal["sms", "whatsapp", "call"]
    sid: str
    account_sid: str
    outgoing: bool
    other: str
    text: str
    status: str
    arrived: bool
    error_code: int | None
    at: datetime
    media: list[Picture] = field(default_factory=list)
    place: Place | None = None
    # Buttons below a template: Twilio's word for what they do, their title, and what comes back or is opened.
    actions: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the portal answered to a message. `sent` is False where no webhook was made (suspended, no URL)."""

    message_sid: str
    account_sid: str
    sent: bool
    status: int | None
    error_code: int | None
    milliseconds: int

    @property
    def accepted(self) -> bool:
        """Whether the portal took the message."""
        return self.sent and self.error_code is None


@dataclass(frozen=True, slots=True)
class WebhookAttempt:
    """One request of the simulated Twilio to the portal; `status` is None without an answer."""

    at: datetime
    account_sid: str
    url: str
    status: int | None
    milliseconds: int
    error_code: int | None


@dataclass(frozen=True, slots=True)
class Sound:
    """Something a caller can say."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class UnreachablePhone:
    """A phone that messages never arrive at, with the code Twilio gives for it."""

    phone_number: str
    code: int
    words: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What a tester can pick from."""

    sounds: list[Sound]
    unreachable: list[UnreachablePhone]


class Handset:
    """A client of the simulated Twilio's private API; every method may raise HandsetError."""

    def __init__(self, origin: str, account_sid: str, auth_token: str) -> None:
        # trust_env: a proxy from the environment would see the simulated credentials.
        self._http = httpx.AsyncClient(
            base_url=origin, auth=(account_sid, auth_token), timeout=TIMEOUT, trust_env=False, verify=_no_tls()
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def lines(self) -> list[Line]:
        """Everything that answers, with its account."""
        return await self._get(list[Line], "/_handset/numbers")

    async def phones(self) -> list[Phone]:
        """The phones that have been used, the latest first."""
        return await self._get(list[Phone], "/_handset/phones")

    async def conversation(self, phone_number: str, with_number: str = "") -> list[Entry]:
        """What a phone wrote, got and called, the oldest first; with one number or all."""
        return await self._get(list[Entry], f"/_handset/phones/{phone_number}", {"with": with_number})

    async def write(
        self,
        from_: str,
        to: str,
        body: str = "",
        *,
        whatsapp: bool = False,
        profile_name: str = "",
        pictures: int = 0,
        files: tuple[tuple[str, str], ...] = (),
        place: Place | None = None,
        button: tuple[str, str] | None = None,
        replies_to: str = "",
        extra: dict[str, str] | None = None,
    ) -> Receipt:
        """Write from a phone, and wait for the portal's answer.

        `pictures` is how many copies of the sample picture go along, `files` are (content type, base64), `button` is
        the (text, payload) of a quick reply, `replies_to` the SID of a message that is quoted, `extra` any further
        webhook parameters.
        """
        letter = {
            "from": from_,
            "to": to,
            "whatsapp": whatsapp,
            "body": body,
            "profile_name": profile_name,
            "pictures": pictures,
            "files": files,
            "place": TypeAdapter(Place).dump_python(place) if place else None,
            "button": {"text": button[0], "payload": button[1]} if button else None,
            "replies_to": replies_to,
            "extra": extra or {},
        }
        return await self._post(Receipt, "/_handset/messages", letter)

    async def call(
        self,
        from_: str,
        to: str,
        *,
        silent: bool = False,
        hangs_up: HangsUp = "message",
        caller_name: str = "",
        speech: dict[str, object] | None = None,
        wait: bool = False,
    ) -> Entry:
        """Call a number and leave a message; with `wait` only return when the last callback has been made.

        `speech` may hold `sound` (of `choices`) or `wav_base64` and `words`, and how callbacks come:
        `recording_copies`, `transcription_copies`, `transcription_first`.
        """
        ring = {
            "from": from_,
            "to": to,
            "silent": silent,
            "hangs_up": hangs_up,
            "caller_name": caller_name,
            "speech": speech or {},
        }
        return await self._post(Entry, f"/_handset/calls?wait={str(wait).lower()}", ring)

    async def fetch_call(self, sid: str) -> Entry:
        """How a call goes."""
        return await self._get(Entry, f"/_handset/calls/{sid}")

    async def verification_codes(self) -> dict[str, str]:
        """The codes that WhatsApp has sent, by phone number."""
        codes = await self._get(list[dict[str, str]], "/_handset/codes")
        return {code["phone_number"]: code["code"] for code in codes}

    async def media(self, sid: str) -> tuple[bytes, str]:
        """A file in a conversation and its content type."""
        answer = await self._request("GET", f"/_handset/media/{sid}")
        return answer.content, answer.headers["Content-Type"]

    async def attempts(self, account_sid: str = "") -> list[WebhookAttempt]:
        """The latest requests to the portal, the newest first."""
        return await self._get(list[WebhookAttempt], "/_handset/webhooks", {"account": account_sid})

    async def choices(self) -> Choices:
        """Sounds and special phones."""
        return await self._get(Choices, "/_handset/choices")

    async def set_speed(self, speed: float) -> None:
        """How fast simulated time passes; 1 is life."""
        await self._request("POST", "/_simulator/speed", json={"speed": speed})

    async def add_fault(self, kind: Literal["status", "hang", "drop", "drop_after"], **details: object) -> None:
        """Make the next fitting API request fail.

        Details: `account_sid`, `method`, `path_contains` (empty is any), `status`, `code`, `retry_after`, `seconds` (of
        a hang), `times`. `drop` breaks the connection before, `drop_after` after the request was carried out.
        """
        await self._request("POST", "/_simulator/faults", json={"kind": kind, **details})

    async def clear_faults(self) -> None:
        """Let everything go well again."""
        await self._request("DELETE", "/_simulator/faults")

    async def _get(self, kind: type[Result], path: str, params: dict[str, str] | None = None) -> Result:
        answer = await self._request("GET", path, params=params)
        return TypeAdapter(kind).validate_json(answer.content)

    async def _post(self, kind: type[Result], path: str, body: dict[str, object]) -> Result:
        answer = await self._request("POST", path, json=body)
        return TypeAdapter(kind).validate_json(answer.content)

    async def _request(
        self, method: str, path: str, *, params: dict[str, str] | None = None, json: dict[str, object] | None = None
    ) -> httpx.Response:
        try:
            answer = await self._http.request(method, path, params=params, json=json)
        except httpx.TransportError as error:
            raise HandsetError("The simulated Twilio does not answer.", permanent=False) from error
        if not answer.is_success:
            raise HandsetError(_reason(answer), status=answer.status_code)
        return answer


def handset() -> Handset:
    """The handset of this installation. HandsetError where the portal runs on a real Twilio account."""
    # A real Twilio has no such API, and playing leads on real numbers would cost and confuse.
    current = settings()
    if current.twilio_mode == "live":
        raise HandsetError("The handset works with the simulated Twilio only.")
    return Handset(current.twilio_origin, *simulated_parent_credentials(current))


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"The simulated Twilio answered with HTTP status {answer.status_code}."


@lru_cache
def _no_tls() -> ssl.SSLContext:
    # Only loopback is ever asked; the default would read the system's certificates for each client, 20 ms each.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
