"""X-Twilio-Signature: made and checked over the public URL and the decoded form.

The rules, port forms and duplicate handling are those of Twilio's own validators; unlike them this one compares in
constant time, takes several tokens (a rotation keeps two alive) and never raises on strange input.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from urllib.parse import parse_qs, unquote_to_bytes, urlsplit

from tenant_portal.twilio_gateway.errors import MalformedForm

SIGNATURE_HEADER = "x-twilio-signature"
SHARED_KEY_HEADER = "x-twilio-webhooks-signature-settings"
MAX_PARAMETERS = 1000
DEFAULT_PORTS = {"http": "80", "https": "443"}

Parameters = Sequence[tuple[str, str]]


def parse_form(raw: bytes) -> list[tuple[str, str]]:
    """Decode a form body; order, blanks and duplicates are kept, because all of them are signed.

    A NUL in a value is kept too (see `storable`). Raises MalformedForm.
    """
    if raw.count(b"&") >= MAX_PARAMETERS:
        raise MalformedForm(f"The form has more than {MAX_PARAMETERS} parameters.")
    # Anyone may post here before a signature is checked: the limit bounds what parsing and sorting can cost.
    try:
        text = raw.decode("utf-8")
        parameters = _pairs(text)
    except UnicodeDecodeError:
        raise MalformedForm("The form is not valid UTF-8.") from None
    if ("\0" in text or "%00" in text) and any("\0" in name for name, _ in parameters):
        raise MalformedForm("A parameter name holds a NUL character.")
    return parameters


def _pairs(text: str) -> list[tuple[str, str]]:
    # As parse_qsl, which costs more than twice as much: most names and many values have nothing to decode, and a call
    # for each piece would cost more than the piece.
    pairs = []
    for piece in text.split("&"):
        name, _, value = piece.partition("=")
        if "%" in piece or "+" in piece:
            pairs.append((_decoded(name), _decoded(value)))
        elif piece:
            pairs.append((name, value))
    return pairs


def _decoded(text: str) -> str:
    text = text.replace("+", " ")
    return unquote_to_bytes(text).decode("utf-8") if "%" in text else text


def storable(value: str) -> str:
    """The value as PostgreSQL can keep it: its text type takes any character but NUL."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}")


def sign(url: str, parameters: Parameters, token: str) -> str:
    """The header value Twilio sends for this URL (without fragment) and these decoded form parameters."""
    return _digest(token.encode(), url.encode() + _canonical(parameters)).decode()


def json_url(url: str, body: bytes) -> str:
    """The URL to which Twilio posts this JSON body: the query carries the body's hash, and only the URL is signed."""
    separator = "&" if urlsplit(url).query else "?"
    return f"{url}{separator}bodySHA256={hashlib.sha256(body).hexdigest()}"


def verify_request(
    url: str,
    headers: Mapping[str, str],
    tokens: Iterable[str],
    *,
    parameters: Parameters = (),
    json_body: bytes | None = None,
) -> bool:
    """Whether one of `tokens` signed this request; a JSON body is given raw.

    `headers` must have lower-case names or ignore case. A request that names a shared key is refused: it is signed
    with a secret that the portal does not hold.
    """
    # Its signature is another algorithm's: comparing would only ever say no, but a mixed one must not say yes.
    if SHARED_KEY_HEADER in headers:
        return False
    signature = headers.get(SIGNATURE_HEADER)
    if json_body is None:
        return verify_form(url, parameters, signature, tokens)
    return verify_json(url, json_body, signature, tokens)


def verify_form(url: str, parameters: Parameters, signature: str | None, tokens: Iterable[str]) -> bool:
    """Check a form POST, or with no parameters a GET, against every token."""
    if not signature:
        return False
    given, suffix = signature.encode("utf-8", "surrogatepass"), _canonical(parameters)
    payloads = [form.encode("utf-8", "surrogatepass") + suffix for form in _port_forms(url)]
    # A forgery costs every pair; the right signature ends it, and tells nothing that the answer does not tell.
    return any(
        hmac.compare_digest(_digest(token.encode(), payload), given) for token in tokens for payload in payloads
    )


def verify_json(url: str, body: bytes, signature: str | None, tokens: Iterable[str]) -> bool:
    """Check a JSON POST: the URL is signed and must carry the hash of exactly these bytes."""
    hashes = parse_qs(urlsplit(url).query).get("bodySHA256", [])
    if len(hashes) != 1 or not hmac.compare_digest(hashes[0].encode(), hashlib.sha256(body).hexdigest().encode()):
        return False
    return verify_form(url, (), signature, tokens)


def _canonical(parameters: Parameters) -> bytes:
    # Sorting the distinct pairs gives names in order and, for each name, its distinct values in order.
    return "".join(chain.from_iterable(sorted(set(parameters)))).encode("utf-8", "surrogatepass")


def _digest(token: bytes, payload: bytes) -> bytes:
    # hmac.digest runs in C in one go; every webhook pays this.
    return base64.b64encode(hmac.digest(token, payload, "sha1"))


def _port_forms(url: str) -> tuple[str, str]:
    """The URL as given and with its port taken away or the scheme's default one added: Twilio signs either."""
    scheme, mark, rest = url.partition("://")
    end = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    authority, tail = rest[:end], rest[end:]
    host, colon, port = authority.rpartition(":")
    # In `[::1]` the part after the last colon ends in a bracket, so it is not taken for a port.
    if colon and port.isdigit():
        return url, f"{scheme}{mark}{host}{tail}"
    return url, f"{scheme}{mark}{authority}:{DEFAULT_PORTS.get(scheme, '443')}{tail}"
