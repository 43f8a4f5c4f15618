"""Bad requests as bytes on the wire, made by chance from a seed: each must be refused, and none leaves anything."""

import json
import random
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from tests.cast import Company
from tests.chaos.stream import signed
from tests.webhook_client import FORM, sid, text_message

MEGABYTE = 1_000_000
SLOW_ONES = 60
"""Each takes the server's whole patience of five seconds, so there are only so many of them."""
PATHS = ("sms", "whatsapp", "voicemail", "status/x", "voicemail/status", "voicemail/x/action", "sms/fallback")


@dataclass(frozen=True, slots=True)
class Bad:
    """`pieces` are written with `pause` seconds between them; without `is_http` no answer is owed."""

    kind: str
    pieces: tuple[bytes, ...]
    pause: float = 0.0
    is_http: bool = True


def bad_requests(companies: Sequence[Company], count: int, seed: int) -> Iterator[Bad]:
    """So many, of every kind in turn."""
    chance = random.Random(seed)
    for number in range(count - SLOW_ONES):
        kind = list(KINDS)[number % len(KINDS)]
        yield KINDS[kind](kind, companies[number % 2], chance)
    for number in range(SLOW_ONES):
        yield slow_body("slow_body", companies[number % 2], chance)


def request(
    company: Company,
    chance: random.Random,
    body: bytes,
    *,
    path: str = "",
    query: str = "",
    headers: Mapping[str, str | None] | None = None,
) -> bytes:
    """A POST of this body; `headers` replace the usual ones, None leaves one out."""
    target = f"/api/webhooks/{path or chance.choice(PATHS)}?{query or f'account={company.account_sid}'}"
    usual: dict[str, str | None] = {
        "Content-Type": FORM,
        "Content-Length": str(len(body)),
        "X-Twilio-Signature": secrets.token_urlsafe(20),
        "Connection": "close",
    }
    lines = [f"{name}: {value}" for name, value in (usual | dict(headers or {})).items() if value is not None]
    return "\r\n".join((f"POST {target} HTTP/1.1", "Host: x", *lines, "", "")).encode("latin-1") + body


def fields(company: Company, *pairs: tuple[str, str]) -> bytes:
    """A form of this company with these fields."""
    return urlencode([*text_message(company).items(), *pairs]).encode()


def malformed_utf8(kind: str, company: Company, chance: random.Random) -> Bad:
    bad = chance.choice([b"\xff\xfe", b"%ff%fe", b"\xed\xa0\x80", b"%ED%A0%80", b"\xc0\xaf", b"%f8%88%80%80%80"])
    return Bad(kind, (request(company, chance, fields(company) + b"&Body=" + bad),))


def nul(kind: str, company: Company, chance: random.Random) -> Bad:
    bad = chance.choice([b"&Bo%00dy=x", b"&Body=%00", b"&Bo\0dy=x", b"&Body=\0", b"&%00=%00"])
    return Bad(kind, (request(company, chance, fields(company) + bad),))


def megabyte(kind: str, company: Company, chance: random.Random) -> Bad:
    return Bad(kind, (request(company, chance, b"Body=" + b"x" * MEGABYTE),))


def megabyte_in_chunks(kind: str, company: Company, chance: random.Random) -> Bad:
    head = request(company, chance, b"", headers={"Content-Length": None, "Transfer-Encoding": "chunked"})
    piece = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    return Bad(kind, (head, *[piece] * (MEGABYTE // 0x8000), b"0\r\n\r\n"))


def too_many_parameters(kind: str, company: Company, chance: random.Random) -> Bad:
    return Bad(kind, (request(company, chance, fields(company, *[(f"p{n}", "") for n in range(1001)])),))


def repeated_account(kind: str, company: Company, chance: random.Random) -> Bad:
    other = chance.choice([company.account_sid, sid("AC"), "", company.account_sid.upper()])
    if chance.random() < 0.5:
        return Bad(kind, (request(company, chance, fields(company, ("AccountSid", other))),))
    query = f"account={company.account_sid}&account={other}"
    return Bad(kind, (request(company, chance, fields(company), query=query),))


def strange_account(kind: str, company: Company, chance: random.Random) -> Bad:
    name = quote(chance.choice(["", "%", "AC", "\n", "../..", "AC" + "z" * 32, company.account_sid + "\n", "x" * 5000]))
    return Bad(kind, (request(company, chance, f"AccountSid={name}&MessageSid=x".encode(), query=f"account={name}"),))


def unknown_account(kind: str, company: Company, chance: random.Random) -> Bad:
    stranger = sid("AC")
    form = urlencode(text_message(company, AccountSid=stranger)).encode()
    return Bad(kind, (request(company, chance, form, query=f"account={stranger}"),))


def forged(kind: str, company: Company, chance: random.Random) -> Bad:
    signature = chance.choice(["", "=" * 28, "\xe9" * 28, "x" * 10_000, sid("")])
    return Bad(kind, (request(company, chance, fields(company), headers={"X-Twilio-Signature": signature}),))


def wrong_type(kind: str, company: Company, chance: random.Random) -> Bad:
    given = chance.choice(["application/json", "multipart/form-data; boundary=x", "text/plain", "", "\xff", FORM + "2"])
    body = json.dumps(text_message(company)).encode()
    return Bad(kind, (request(company, chance, body, headers={"Content-Type": given}),))


def wrong_method(kind: str, company: Company, chance: random.Random) -> Bad:
    method = chance.choice([b"GET", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"HEAD", b"TRACE"])
    return Bad(kind, (request(company, chance, fields(company)).replace(b"POST", method, 1),))


def wrong_path(kind: str, company: Company, chance: random.Random) -> Bad:
    path = chance.choice(["", "sms/", "SMS", "../sms", "%00", "%ff", "sms%2f..", "status/", "nothing", "a" * 3000])
    return Bad(kind, (request(company, chance, fields(company), path=path or "%20"),))


def truncated(kind: str, company: Company, chance: random.Random) -> Bad:
    whole = request(company, chance, fields(company))
    return Bad(kind, (whole[: chance.randrange(1, len(whole))],), is_http=False)


def random_bytes(kind: str, company: Company, chance: random.Random) -> Bad:
    return Bad(kind, (chance.randbytes(chance.randrange(1, 2000)),), is_http=False)


def random_body(kind: str, company: Company, chance: random.Random) -> Bad:
    return Bad(kind, (request(company, chance, chance.randbytes(chance.randrange(2000))),))


def strange_length(kind: str, company: Company, chance: random.Random) -> Bad:
    length = chance.choice(["-1", "x", "9" * 30, "1e3", "+5", "0x10", ""])
    return Bad(kind, (request(company, chance, fields(company), headers={"Content-Length": length}),), is_http=False)


def signed_without_what_it_needs(kind: str, company: Company, chance: random.Random) -> Bad:
    missing = chance.choice(["MessageSid", "From", "To"])
    form = text_message(company, **{missing: chance.choice([None, ""])}, Body=secrets.token_hex(8))
    return Bad(kind, (signed(company, chance.choice(["sms", "whatsapp"]), form),))


def signed_for_the_other(kind: str, company: Company, chance: random.Random) -> Bad:
    """By its own token, over a form that names another account in the URL."""
    raw = signed(company, "sms", text_message(company))
    return Bad(kind, (raw.replace(f"account={company.account_sid}".encode(), f"account={sid('AC')}".encode(), 1),))


def slow_body(kind: str, company: Company, chance: random.Random) -> Bad:
    whole = request(company, chance, fields(company))
    head, _, body = whole.partition(b"\r\n\r\n")
    return Bad(kind, (head + b"\r\n\r\n", *(body[n : n + 1] for n in range(12))), pause=0.6)


KINDS: dict[str, Callable[[str, Company, random.Random], Bad]] = {
    make.__name__: make
    for make in (
        malformed_utf8, nul, megabyte, megabyte_in_chunks, too_many_parameters, repeated_account, strange_account,
        unknown_account, forged, wrong_type, wrong_method, wrong_path, truncated, random_bytes, random_body,
        strange_length, signed_without_what_it_needs, signed_for_the_other,
    )
}  # fmt: skip
