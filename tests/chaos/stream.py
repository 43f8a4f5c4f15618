"""A client that keeps sending at a fixed rate, whatever is answered, and writes down every answer."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from urllib.parse import urlencode

from tenant_portal.twilio_gateway.signatures import sign
from tests.cast import Company
from tests.chaos.ledger import ANSWERED, BROKEN, REFUSED, SILENT, Answer, Parcel
from tests.webhook_client import FORM, sid, text_message

ORIGIN = "https://portal.example.com"
PER_SECOND = 200
# Twilio's own limit for connecting, sending and hearing an answer.
ANSWER_SECONDS = 15.0
# One message in so many comes twice at the same time, as Twilio's may; and one in so many brings a picture.
TWICE_IN, PICTURE_IN = 49, 25
LEADS = 40


def parcel(company: Company, number: int) -> Parcel:
    """A signed SMS, each with its own SID; the same people write to both companies."""
    body = f"Message {number}: {secrets.token_urlsafe(number % 90)}"
    changes = {"From": f"+1415555{number % LEADS:04d}", "Body": body}
    if number % PICTURE_IN == 0:
        files = f"https://api.twilio.com/2010-04-01/Accounts/{company.account_sid}/Messages/{sid('MM')}/Media"
        changes |= {"NumMedia": "1", "MediaUrl0": f"{files}/{sid('ME')}", "MediaContentType0": "image/png"}
    form = text_message(company, **changes)
    return Parcel(form["MessageSid"], company.account_sid, signed(company, "sms", form))


def signed(company: Company, path: str, form: dict[str, str]) -> bytes:
    """The whole HTTP request of a form, signed by the company's own token."""
    target, body = f"/api/webhooks/{path}?account={company.account_sid}", urlencode(form).encode()
    signature = sign(f"{ORIGIN}{target}", list(form.items()), company.auth_token)
    head = (
        f"POST {target} HTTP/1.1\r\nHost: portal.example.com\r\nConnection: close\r\nContent-Type: {FORM}\r\n"
        f"X-Twilio-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Stream:
    """Sends to `ports` in turn, over a connection for each request.

    A connection that is refused is tried at the next port, then at the first again, as a proxy does; a request that was
    sent is never repeated.
    """

    def __init__(self, companies: Sequence[Company], ports: Sequence[int], per_second: int = PER_SECOND) -> None:
        self.answers: list[Answer] = []
        self._companies, self._ports, self._per_second = companies, ports, per_second
        self._sending: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Send until `stop`, and wait for the last answers."""
        began, number = time.monotonic(), 0
        while not self._stop.is_set():
            for _ in range(int((time.monotonic() - began) * self._per_second) - number):
                self._send(number)
                number += 1
            await asyncio.sleep(0.01)
        await asyncio.gather(*self._sending)

    def stop(self) -> None:
        """End the sending; `run` returns when the last answer is in."""
        self._stop.set()

    async def repeat(self, parcels: Sequence[Parcel]) -> list[Answer]:
        """Send these once more, one after the other: what Twilio does for what was not acknowledged."""
        return [await deliver(parcel, self._ports, number) for number, parcel in enumerate(parcels)]

    def _send(self, number: int) -> None:
        one = parcel(self._companies[number % len(self._companies)], number)
        for copy in range(2 if number % TWICE_IN == 0 else 1):
            task = asyncio.create_task(self._note(one, number // 2 + copy))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _note(self, one: Parcel, turn: int) -> None:
        self.answers.append(await deliver(one, self._ports, turn))


async def deliver(one: Parcel, ports: Sequence[int], turn: int) -> Answer:
    """Send it to the port whose turn it is, or where that refuses the connection to the next, and the first again."""
    began = time.monotonic()
    how, status = REFUSED, 0
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            # The first again: it may have come back, and the next one gone, before a busy client hears its refusal.
            for step in range(len(ports) + 1):
                how, status = await _exchange(one.raw, ports[(turn + step) % len(ports)])
                if how != REFUSED:
                    break
    except TimeoutError:
        how = SILENT
    return Answer(one, how, status, began, time.monotonic() - began)


async def _exchange(raw: bytes, port: int) -> tuple[str, int]:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return REFUSED, 0
    try:
        writer.write(raw)
        # A status line is enough to be believed, even if the rest of the answer never comes.
        line = await reader.readline()
        return (ANSWERED, int(line.split()[1])) if line.startswith(b"HTTP/1.1 ") else (BROKEN, 0)
    except OSError:
        return BROKEN, 0
    finally:
        writer.close()
