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


def requests(senders: Sequence[Sender], origin: str, count: int, leads: int) -> Iterator[tuple[str, str, str]]:
    """(path and query, signature, body) of `count` messages, each with its own SID, of `leads` people per tenant."""
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


def run(port: int, messages: Sequence[tuple[str, str, str]], connections: int, seconds: float) -> Outcome:
    """Send for so long over so many connections; wrk where it is installed, else Python."""
    if shutil.which("wrk"):
        return _by_wrk(port, messages, connections, seconds)
    return asyncio.run(_by_python(port, messages, connections, seconds))


def send_all(port: int, messages: Sequence[tuple[str, str, str]], connections: int = 8) -> Outcome:
    """Send each message once."""
    return asyncio.run(_by_python(port, messages, connections, float("inf")))


def _by_wrk(port: int, messages: Sequence[tuple[str, str, str]], connections: int, seconds: float) -> Outcome:
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.writelines("\t".join(message) + "\n" for message in messages)
        file.flush()
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{max(1, round(seconds))}s",
            "--timeout",
            "20s",
            "-s",
            str(SCRIPT),
        ]
        target = [f"http://127.0.0.1:{port}", "--", file.name]
        done = subprocess.run([*command, *target], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout[done.stdout.rindex("{") :])
    return Outcome(
        found["requests"] / found["seconds"], found["p50"], found["p99"], int(found["requests"]), int(found["errors"])
    )


async def _by_python(port: int, messages: Sequence[tuple[str, str, str]], connections: int, seconds: float) -> Outcome:
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
