"""Fetching the files of a subaccount: credentials go to Twilio's host and this subaccount's path, nowhere else."""

import ipaddress
import re
import socket
import time
from urllib.parse import urljoin, urlsplit

import httpx

from tenant_portal.twilio_gateway.errors import DownloadTooLarge, ForeignUrl, TwilioUnavailable
from tenant_portal.twilio_gateway.gateway import Download
from tenant_portal.twilio_gateway.http_client import PortalHttpClient, at_origin, error_of, measured, operation_of

FILES = "https://api.twilio.com/2010-04-01/Accounts"
MEDIA = r"Messages/(SM|MM)[0-9a-f]{32}/Media/ME[0-9a-f]{32}"
RECORDING = r"Recordings/RE[0-9a-f]{32}(\.mp3|\.wav)?"
MAX_REDIRECTS = 3
MAX_SECONDS = 60.0


def download(http: PortalHttpClient, account_sid: str, auth_token: str, url: str, max_bytes: int) -> Download:
    """The file behind a media or recording URL of this subaccount.

    Raises ForeignUrl before any request for another URL, DownloadTooLarge past `max_bytes`, TwilioRefused or
    TwilioUnavailable as Twilio answers.
    """
    require_file_url(account_sid, url)
    with measured(operation_of("GET", urlsplit(url).path)):
        return _follow(http, account_sid, auth_token, url, max_bytes)


def _follow(http: PortalHttpClient, account_sid: str, auth_token: str, url: str, max_bytes: int) -> Download:
    target, auth = at_origin(url, http.origin), httpx.BasicAuth(account_sid, auth_token)
    try:
        answer = _fetch(http, target, auth, max_bytes)
        for _ in range(MAX_REDIRECTS):
            if isinstance(answer, Download):
                return answer
            # Twilio's own storage signs its short-lived URLs: the credentials must not travel there.
            answer = _fetch(http, _next_hop(http.origin, answer), None, max_bytes)
    except httpx.TransportError as error:
        raise TwilioUnavailable("The file could not be fetched from Twilio.", detail=repr(error)) from error
    if isinstance(answer, Download):
        return answer
    raise TwilioUnavailable("The file could not be fetched from Twilio.", detail="too many redirects")


def require_file_url(account_sid: str, url: str) -> None:
    """Raise ForeignUrl unless this is a media or recording URL of exactly this subaccount."""
    # Matched as it stands: a parser drops line breaks and has its own view of `@`.
    if not re.fullmatch(f"{re.escape(FILES)}/{re.escape(account_sid)}/({MEDIA}|{RECORDING})", url):
        raise ForeignUrl("This file does not belong to the client's Twilio account.")


def _fetch(http: PortalHttpClient, url: str, auth: httpx.BasicAuth | None, max_bytes: int) -> Download | str:
    """The file, or the absolute URL it has moved to."""
    with http.connection.stream("GET", url, auth=auth) as answer:
        if answer.is_redirect:
            return urljoin(url, answer.headers["Location"])
        if not answer.is_success:
            # The body says why; a streamed answer has to be read before it can be looked at.
            answer.read()
            raise error_of("GET", answer)
        content_type = answer.headers.get("Content-Type", "application/octet-stream")
        return Download(content=_read(answer, max_bytes), content_type=content_type.partition(";")[0].strip().lower())


def _read(answer: httpx.Response, max_bytes: int) -> bytes:
    content, deadline = bytearray(), time.monotonic() + MAX_SECONDS
    for chunk in answer.iter_bytes():
        content += chunk
        if len(content) > max_bytes:
            raise DownloadTooLarge("The file is too large.")
        # The read time-out starts anew with each chunk; a trickle would hold this thread for hours.
        if time.monotonic() > deadline:
            raise TwilioUnavailable("The file could not be fetched from Twilio.", detail="too slow")
    return bytes(content)


def _next_hop(origin: str, url: str) -> str:
    parts, own = urlsplit(url), urlsplit(origin)
    if origin and (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
        return url
    if parts.scheme != "https" or parts.port not in (None, 443) or not parts.hostname or not _is_public(parts.hostname):
        raise ForeignUrl("Twilio redirected the file to an address that is not public.")
    return url


def _is_public(host: str) -> bool:
    # Twilio names no list of its storage hosts, so what is refused is any address inside a network.
    try:
        found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(ipaddress.ip_address(address[0]).is_global for *_, address in found)
