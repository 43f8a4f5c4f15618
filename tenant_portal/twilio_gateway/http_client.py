"""The HTTP client under Twilio's library: time limits, one origin for all hosts, careful repeats, our own errors."""

import logging
import random
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import httpx
from twilio.http import HttpClient
from twilio.http.response import Response

from tenant_portal.tracing import span
from tenant_portal.twilio_gateway import metrics
from tenant_portal.twilio_gateway.error_codes import Audience, explain
from tenant_portal.twilio_gateway.errors import (
    TOO_MANY_REQUESTS,
    TemporaryTwilioError,
    TwilioError,
    TwilioOutcomeUnknown,
    TwilioRefused,
    TwilioUnavailable,
)

logger = logging.getLogger(__name__)

PRODUCTS = ("accounts", "api", "content", "lookups", "messaging", "monitor", "numbers", "pricing", "trusthub")
HOSTS = frozenset(f"{product}.twilio.com" for product in PRODUCTS)
TIMEOUT = httpx.Timeout(15.0, connect=5.0)
POOL = httpx.Limits(max_connections=64, max_keepalive_connections=32)
ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.25
# A thread waits meanwhile; past this it is better to fail and let a job come back later.
LONGEST_PAUSE_SECONDS = 5.0
# These fail before a byte of the request is out, so Twilio cannot have acted on it.
# The names of Twilio's resources; SIDs, numbers, countries and versions, which stand between them, are left out.
RESOURCE = re.compile(r"/([A-Z][a-z]+(?:[A-Z][a-z]+)*)(?=[/.]|$)")
REQUEST_ID = "Twilio-Request-Id"
LONGEST_REQUEST_ID = 64
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class PortalHttpClient(HttpClient):  # type: ignore[misc]  # Twilio's library ships no types
    """Carries out the library's requests. `origin` replaces scheme and host of every Twilio URL; empty keeps them.

    Raises TwilioError for every answer that is not 2xx, so the library's own exceptions never come up.
    """

    def __init__(self, origin: str = "", *, timeout: httpx.Timeout = TIMEOUT) -> None:
        super().__init__(logger, is_async=False)
        self.origin = origin
        # No proxy or netrc from the environment: credentials go where the settings say and nowhere else.
        self.connection = httpx.Client(timeout=timeout, limits=POOL, trust_env=False)

    def close(self) -> None:
        """Close all connections."""
        self.connection.close()

    def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002  # named by the library, our own limits hold
        allow_redirects: bool = False,  # noqa: ARG002
    ) -> Response:
        """Called by Twilio's library for each request; a read or a refused write is repeated at most twice."""
        as_json = (headers or {}).get("Content-Type") == "application/json"
        request = self.connection.build_request(
            method,
            at_origin(uri, self.origin),
            params=_texts(params) if params else None,
            headers=headers,
            json=data if as_json else None,
            data=_texts(data) if data and not as_json else None,
        )
        # Credentials travel per request: one pool of connections serves all tenants.
        answer = self._send(request, httpx.BasicAuth(*auth) if auth else None)
        return Response(answer.status_code, answer.text, answer.headers)

    def _send(self, request: httpx.Request, auth: httpx.BasicAuth | None) -> httpx.Response:
        for attempt in range(1, ATTEMPTS):
            try:
                return self._send_once(request, auth)
            except TwilioUnavailable as error:
                pause = _pause_seconds(error, attempt)
                if not _may_repeat(request.method, error) or pause > LONGEST_PAUSE_SECONDS:
                    raise
                known = {"operation": operation_of(request.method, request.url.path), "seconds": round(pause, 1)}
                logger.info("a request to Twilio is repeated", extra=known)
                time.sleep(pause)
        return self._send_once(request, auth)

    def _send_once(self, request: httpx.Request, auth: httpx.BasicAuth | None) -> httpx.Response:
        with measured(operation_of(request.method, request.url.path)):
            return self._answered(request, auth)

    def _answered(self, request: httpx.Request, auth: httpx.BasicAuth | None) -> httpx.Response:
        try:
            answer = self.connection.send(request, auth=auth)
        except NOT_SENT as error:
            raise TwilioUnavailable("Twilio cannot be reached at the moment.", detail=str(error)) from error
        except httpx.RequestError as error:
            raise _no_answer(request.method, detail=repr(error)) from error
        if not answer.is_success:
            raise error_of(request.method, answer)
        _check_json(request.method, answer)
        return answer


@contextmanager
def measured(operation: str) -> Iterator[None]:
    """Count, time and trace one request to Twilio; a failed one is logged with the id by which Twilio finds it."""
    started = time.perf_counter()
    outcome, code = "ok", ""
    try:
        with span("twilio", operation=operation) as current:
            try:
                yield
                current.set(outcome=outcome)
            except TwilioError as error:
                outcome, code = outcome_of(error), str(error.code or "")
                current.set(outcome=outcome, code=code, status=error.status or 0)
                _log_failure(operation, error)
                raise
    finally:
        metrics.SECONDS.labels(operation).observe(time.perf_counter() - started)
        metrics.CALLS.labels(operation, outcome, code).inc()


def operation_of(method: str, path: str) -> str:
    """What is asked, in few words: `POST Accounts/Messages`."""
    return f"{method} {'/'.join(RESOURCE.findall(path))}"


def outcome_of(error: TwilioError) -> str:
    """`refused`, `unavailable`, or `unknown` where it may have been carried out."""
    if error.unknown_outcome:
        return "unknown"
    return "unavailable" if isinstance(error, TemporaryTwilioError) else "refused"


def _log_failure(operation: str, error: TwilioError) -> None:
    known = {"operation": operation, "status": error.status, "code": error.code, "twilio_request_id": error.request_id}
    # A refusal is about one message or number; the others are about Twilio, or the way to it.
    level = logging.WARNING if isinstance(error, TemporaryTwilioError) else logging.INFO
    logger.log(level, "a request to Twilio failed", extra=known)


def at_origin(url: str, origin: str) -> str:
    """The URL with scheme and host replaced, path and query unchanged. ValueError unless the host is Twilio's."""
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.netloc not in HOSTS:
        raise ValueError(f"not a Twilio address: {parts.scheme}://{parts.netloc}")
    if not origin:
        return url
    # No two hosts of Twilio share a path, so one origin can stand for all of them.
    target = urlsplit(origin)
    return urlunsplit((target.scheme, target.netloc, parts.path, parts.query, ""))


def error_of(method: str, answer: httpx.Response) -> TwilioError:
    """Our error for an answer that is not 2xx; understands both of Twilio's error bodies."""
    error = _meaning(method, answer)
    error.request_id = answer.headers.get(REQUEST_ID, "")[:LONGEST_REQUEST_ID]
    return error


def _meaning(method: str, answer: httpx.Response) -> TwilioError:
    code, detail = _problem(answer)
    found = explain(code)
    message = found.sentence if code else f"Twilio answered with HTTP status {answer.status_code}."
    # Refused before any work was done, so even a change may be repeated.
    if answer.status_code == TOO_MANY_REQUESTS:
        return TwilioUnavailable(message, code=code, status=429, retry_after=_retry_after(answer), detail=detail)
    if answer.is_server_error:
        return _no_answer(method, code=code, status=answer.status_code, retry_after=_retry_after(answer), detail=detail)
    permanent = found.audience is not Audience.RETRY
    return TwilioRefused(message, code=code, permanent=permanent, status=answer.status_code, detail=detail)


def _no_answer(
    method: str, *, code: int | None = None, status: int | None = None, retry_after: float | None = None, detail: str
) -> TemporaryTwilioError:
    if method == "GET":
        text = "Twilio did not answer. Please try again in a few minutes."
        return TwilioUnavailable(text, code=code, status=status, retry_after=retry_after, detail=detail)
    text = "Twilio did not confirm the request; it may have been carried out."
    return TwilioOutcomeUnknown(text, code=code, status=status, retry_after=retry_after, detail=detail)


def _check_json(method: str, answer: httpx.Response) -> None:
    # A gateway in between may answer 200 with a page of its own, which says nothing about what Twilio did.
    if answer.content and not isinstance(_json(answer), dict):
        raise _no_answer(method, status=answer.status_code, detail="the answer is not a JSON object")


def _may_repeat(method: str, error: TwilioUnavailable) -> bool:
    return method == "GET" or error.asks_to_wait


def _pause_seconds(error: TwilioUnavailable, attempt: int) -> float:
    # Full jitter: after a burst the refused requests must not all come back together.
    jittered = random.uniform(0, FIRST_PAUSE_SECONDS * 2**attempt)  # noqa: S311  # no secret
    return (error.retry_after or 0.0) + jittered


def _problem(answer: httpx.Response) -> tuple[int | None, str]:
    body = _json(answer)
    if not isinstance(body, dict):
        return None, answer.text[:500]
    code = body.get("code")
    words = body.get("message") or ": ".join(str(body[key]) for key in ("title", "detail") if body.get(key))
    return code if isinstance(code, int) else None, str(words)


def _json(answer: httpx.Response) -> object:
    try:
        return answer.json()
    except ValueError:
        return None


def _retry_after(answer: httpx.Response) -> float | None:
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else None


def _texts(values: Mapping[str, object]) -> dict[str, str | list[str]]:
    return {
        name: [str(item) for item in value] if isinstance(value, (list, tuple)) else str(value)
        for name, value in values.items()
        if value is not None
    }
