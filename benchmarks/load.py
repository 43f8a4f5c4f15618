"""Load: signed, varied message webhooks, sent by wrk or, where there is none, by Python."""

import asyncio
import json
import random
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from tenant_portal.twilio_gateway.signatures import sign

SCRIPT = Path(__file__).with_name("wrk.lua")
FORM = "application/x-www-form-urlencoded"
LEAD_NUMBER, FIRST_LEAD = "+1415{:07d}", 5_550_000
SENT_FROM = {"FromCity": "SAN FRANCISCO", "FromState": "CA", "FromZip": "94111", "FromCountry": "US"}
LONGEST_SECONDS = 600
Request = tuple[str, str, str]
"""Path and query, signature, body."""
WORDS = (
    "hello",
    "is",
    "the",
    "flat",
    "still",
    "free",
    "tomorrow",
    "thanks",
    "\u00e9t\u00e9",
    "\U0001f44d",
    "yes",
    "no",
)


@dataclass(frozen=True, slots=True)
class Sender:
    """A tenant to whom leads write: its account, token and number."""

    account_sid: str
    auth_token: str
    number: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run: answers per second, milliseconds at the median and the 99th percentile, and what went wrong."""

    per_second: float
    p50_ms: float
    p99_ms: float
    answered: int
    errors: int


def requests(senders: Sequence[Sender], origin: str, count: int, leads: int) -> Iterator[Request]:
    """`count` messages, each with its own SID, of `leads` people per tenant."""
    chance = random.Random(7)
    for _ in range(count):
        sender = chance.choice(senders)
        sid = f"SM{secrets.token_hex(16)}"
        form = [
            ("ToCountry", "US"),
            ("SmsMessageSid", sid),
            ("NumMedia", "0"),
            ("ToCity", ""),
            *SENT_FROM.items(),
            ("SmsSid", sid),
            ("SmsStatus", "received"),
            ("Body", " ".join(chance.choices(WORDS, k=chance.randint(2, 30)))),
            ("To", sender.number),
            ("ToZip", ""),
            ("NumSegments", "1"),
            ("MessageSid", sid),
            ("AccountSid", sender.account_sid),
            ("From", LEAD_NUMBER.format(FIRST_LEAD + chance.randrange(leads))),
            ("ApiVersion", "2010-04-01"),
        ]
        path = f"/api/webhooks/sms?account={sender.account_sid}"
        yield path, sign(origin + path, form, sender.auth_token), urlencode(form)


def run(port: int, messages: Sequence[Request], connections: int, seconds: float) -> Outcome:
    """Send for so long over so many connections; wrk where it is installed, else Python."""
    if shutil.which("wrk"):
        return _by_wrk(port, messages, connections, seconds)
    return asyncio.run(_by_python(port, messages, connections, seconds))


def send_all(port: int, messages: Sequence[Request], connections: int = 8) -> None:
    """Send each message at least once, a few of the first ones again; SystemExit unless every answer is 200."""
    if shutil.which("wrk"):
        found = _wrk(port, messages, connections, LONGEST_SECONDS, f"{len(messages) + connections}")
        answered, errors = found["requests"], found["errors"]
    else:
        outcome = asyncio.run(_by_python(port, messages, connections, LONGEST_SECONDS))
        answered, errors = outcome.answered, outcome.errors
    if errors or answered < len(messages):
        raise SystemExit(f"{len(messages)} messages: {answered} answers, {errors} of them no success")


def _by_wrk(port: int, messages: Sequence[Request], connections: int, seconds: float) -> Outcome:
    found = _wrk(port, messages, connections, max(1, round(seconds)))
    return Outcome(
        found["requests"] / found["seconds"], found["p50"], found["p99"], int(found["requests"]), int(found["errors"])
    )


def _wrk(port: int, messages: Sequence[Request], connections: int, seconds: int, *most: str) -> dict[str, float]:
    """What `wrk.lua` reports after so many seconds or, where it is given, `most` answers."""
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(SCRIPT)]
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.writelines("\t".join(message) + "\n" for message in messages)
        file.flush()
        command = ["wrk", *options, f"http://127.0.0.1:{port}", "--", file.name, *most]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout[done.stdout.rindex("{") :]))


async def _by_python(port: int, messages: Sequence[Request], connections: int, seconds: float) -> Outcome:
    """Raw HTTP/1.1 over kept connections: slower than wrk, so that the sender may be the limit."""
    waiting, times, errors = iter(messages), list[float](), 0
    end = time.monotonic() + seconds

    async def connection() -> None:
        nonlocal errors
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for path, signature, body in waiting:
            if time.monotonic() > end:
                break
            begun = time.perf_counter()
            writer.write(_raw(path, signature, body))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            times.append(time.perf_counter() - begun)
            errors += not head.startswith(b"HTTP/1.1 200")
        writer.close()

    begun = time.monotonic()
    await asyncio.gather(*(connection() for _ in range(connections)))
    took = time.monotonic() - begun
    times.sort()
    return Outcome(
        len(times) / took, times[len(times) // 2] * 1e3, times[int(len(times) * 0.99)] * 1e3, len(times), errors
    )


def _raw(path: str, signature: str, body: str) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nX-Twilio-Signature: {signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
