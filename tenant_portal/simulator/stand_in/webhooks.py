"""Requests to the portal, signed, timed, repeated and falling back as Twilio does it."""

import secrets
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import parse_qs, urldefrag, urlencode, urljoin, urlsplit

import httpx

from tenant_portal.simulator.stand_in.records import Account, now
from tenant_portal.twilio_gateway.signatures import sign

Parameters = Sequence[tuple[str, str]]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
NOT_2XX = 11200
NOT_CONNECTED = 11205
TOO_MANY_REDIRECTS = 11215
BAD_URL = 11100
TOTAL_SECONDS = 15.0
MAX_REDIRECTS = 10


@dataclass(frozen=True)
class Overrides:
    """How a URL's fragment changes Twilio's defaults: one repeat, and only where no connection was made."""

    repeats: int = 1
    on: frozenset[str] = frozenset({"ct"})
    connect_seconds: float = 5.0
    read_seconds: float = TOTAL_SECONDS
    total_seconds: float = TOTAL_SECONDS


@dataclass(frozen=True)
class Attempt:
    """One request to the portal. `status` is None without an answer, `error_code` None where all went well."""

    at: datetime
    account_sid: str
    url: str
    status: int | None
    milliseconds: int
    error_code: int | None


@dataclass(frozen=True)
class Outcome:
    """How a webhook ended after repeats and fallback."""

    status: int | None = None
    content_type: str = ""
    text: str = ""
    error_code: int | None = None
    url: str = ""

    @property
    def ok(self) -> bool:
        """Whether the portal took it."""
        return self.error_code is None


@dataclass(frozen=True)
class Event:
    """Something to tell the portal. Each repeat carries the same idempotency token."""

    account: Account
    method: str
    parameters: Parameters
    token: str = field(default_factory=lambda: secrets.token_hex(16))


class Webhooks:
    """Sends webhooks to this machine and to the portal's configured public address, and nowhere else."""

    def __init__(self, public_origin: str) -> None:
        self.attempts: deque[Attempt] = deque(maxlen=1000)
        self._public = urlsplit(public_origin)
        self._http = httpx.AsyncClient(
            # A proxy from the environment would carry webhooks off this machine.
            trust_env=False,
            headers={"User-Agent": "TwilioProxy/1.1", "Accept": "*/*"},
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=100),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def deliver(
        self, account: Account, url: str, method: str, parameters: Parameters, fallback_url: str = ""
    ) -> Outcome:
        """Send one event, with the account's token; on failure once more to the fallback, which is told why."""
        outcome = await self._with_repeats(Event(account, method, parameters), url)
        if outcome.ok or not fallback_url:
            return outcome
        reason = (("ErrorCode", str(outcome.error_code)), ("ErrorUrl", urldefrag(url).url))
        return await self._with_repeats(Event(account, method, (*parameters, *reason)), fallback_url)

    async def fetch(self, url: str) -> tuple[bytes, str]:
        """A file the portal offers, and its type. OSError if it cannot be had."""
        self._require_allowed(url)
        try:
            answer = await self._http.get(url, timeout=TOTAL_SECONDS)
        except httpx.HTTPError as error:
            raise OSError(str(error)) from error
        if not answer.is_success:
            raise OSError(f"HTTP status {answer.status_code}")
        return answer.content, answer.headers.get("Content-Type", "application/octet-stream").partition(";")[0]

    async def _with_repeats(self, event: Event, url: str) -> Outcome:
        overrides = overrides_of(url)
        deadline = time.monotonic() + overrides.total_seconds
        # All attempts share one deadline, as at Twilio: repeats do not make a caller wait longer than 15 s.
        for left in range(overrides.repeats, -1, -1):
            outcome, cause = await self._attempt(event, urldefrag(url).url, overrides, deadline)
            if outcome.ok or not left or not overrides.on & {cause, "all"}:
                break
        return outcome

    async def _attempt(self, event: Event, url: str, overrides: Overrides, deadline: float) -> tuple[Outcome, str]:
        """One request with its redirects: how it ended, and if badly why, in the words of the fragment's `rp`."""
        started, at = time.monotonic(), now()
        seconds = max(0.001, min(overrides.read_seconds, deadline - started))
        limits = httpx.Timeout(seconds, connect=min(overrides.connect_seconds, seconds))
        try:
            outcome, cause = _judge(await self._request(event, url, limits), url)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            outcome, cause = Outcome(error_code=NOT_CONNECTED, url=url), "ct"
        except httpx.TransportError:
            # Sent, but no whole answer: the portal may have taken it, which is why webhooks must be idempotent.
            outcome, cause = Outcome(error_code=NOT_2XX, url=url), "rt"
        except (httpx.InvalidURL, PermissionError):
            outcome, cause = Outcome(error_code=BAD_URL, url=url), ""
        took = round((time.monotonic() - started) * 1000)
        self.attempts.append(Attempt(at, event.account.sid, url, outcome.status, took, outcome.error_code))
        return outcome, cause

    async def _request(self, event: Event, url: str, limits: httpx.Timeout) -> httpx.Response:
        for _ in range(MAX_REDIRECTS):
            self._require_allowed(url)
            answer = await self._http.send(_signed(event, url, limits))
            if not answer.is_redirect:
                break
            url = urljoin(url, answer.headers["Location"])
            if answer.status_code not in (307, 308):
                # As browsers do, Twilio turns the request into a GET here and loses the form.
                event = replace(event, method="GET", parameters=())
        return answer

    def _require_allowed(self, url: str) -> None:
        parts = urlsplit(url)
        public = (parts.scheme, parts.netloc) == (self._public.scheme, self._public.netloc)
        if parts.scheme not in {"http", "https"} or not (public or parts.hostname in LOOPBACK):
            raise PermissionError(url)


def overrides_of(url: str) -> Overrides:
    """The connection overrides in a URL's fragment, like `#rc=3&rp=5xx,ct,rt`."""
    given = {name: values[0] for name, values in parse_qs(urldefrag(url).fragment).items()}

    def whole(name: str, default: int, least: int, most: int) -> int:
        text = given.get(name, "")
        return min(max(int(text), least), most) if text.isdecimal() else default

    return Overrides(
        repeats=whole("rc", 1, 0, 5),
        on=frozenset(given.get("rp", "ct").split(",")),
        connect_seconds=whole("ct", 5000, 100, 10000) / 1000,
        read_seconds=whole("rt", 15000, 100, 15000) / 1000,
        total_seconds=whole("tt", 15000, 100, 15000) / 1000,
    )


def _signed(event: Event, url: str, limits: httpx.Timeout) -> httpx.Request:
    headers = {"I-Twilio-Idempotency-Token": event.token}
    content = urlencode(event.parameters)
    extensions = {"timeout": limits.as_dict()}
    # A GET has no form: everything moves into the query, and only the URL is signed.
    if event.method == "GET":
        url += ("&" if urlsplit(url).query else "?") + content if content else ""
        headers["X-Twilio-Signature"] = sign(url, (), event.account.auth_token)
        return httpx.Request("GET", url, headers=headers, extensions=extensions)
    headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
    headers["X-Twilio-Signature"] = sign(url, event.parameters, event.account.auth_token)
    return httpx.Request("POST", url, content=content, headers=headers, extensions=extensions)


def _judge(answer: httpx.Response, url: str) -> tuple[Outcome, str]:
    if answer.is_redirect:
        return Outcome(answer.status_code, error_code=TOO_MANY_REDIRECTS, url=url), ""
    if not answer.is_success:
        return Outcome(answer.status_code, error_code=NOT_2XX, url=url), f"{answer.status_code // 100}xx"
    content_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Outcome(answer.status_code, content_type, answer.text, None, url), ""
