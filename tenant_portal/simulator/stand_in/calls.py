"""A call to a number that the simulator hosts: the portal's TwiML is fetched, played and obeyed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import format_datetime
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

from pydantic import BaseModel, Field

from tenant_portal.simulator.stand_in.documents import Document, Unreadable, read
from tenant_portal.simulator.stand_in.inbound import place_parameters
from tenant_portal.simulator.stand_in.recorder import Speech, Taken, finish
from tenant_portal.simulator.stand_in.records import Account, Call, Number, Recording, new_sid, now
from tenant_portal.simulator.stand_in.shapes import API_VERSION
from tenant_portal.simulator.stand_in.webhooks import Parameters
from tenant_portal.simulator.stand_in.world import World

APPLICATION_ERROR = "We are sorry, an application error has occurred. Goodbye."
NOT_CONFIGURED = "The number you have called is not in service."
LETTERS_PER_SECOND = 18.0
MOST_DOCUMENTS = 20


class Ring(BaseModel):
    """Somebody calls. With `silent` they say nothing; `hangs_up` is when they end the call themselves."""

    from_: str = Field(alias="from")
    to: str
    caller_name: str = ""
    silent: bool = False
    hangs_up: str = Field("message", pattern="^(greeting|message|never)$")
    speech: Speech = Speech()


@dataclass(frozen=True)
class Step:
    """What a verb leads to: another document, the end, or (neither) the next verb."""

    document: Document | None = None
    ends: bool = False


GO_ON, END = Step(), Step(ends=True)
Verb = Callable[[Element], Awaitable[Step]]


class PhoneCall:
    """One call from the first ring to the last callback."""

    def __init__(self, world: World, account: Account, number: Number, ring: Ring) -> None:
        self._world, self._account, self._number, self._ring = world, account, number, ring
        # Of the document being played: relative URLs in its verbs refer to it.
        self._url = ""
        self._callbacks: list[asyncio.Task[None]] = []
        self._verbs: dict[str, Verb] = {
            "Say": self._say,
            "Play": self._play,
            "Pause": self._pause,
            "Record": self._record,
            "Redirect": self._redirect,
            "Dial": self._dial,
            "Hangup": self._hang_up,
            "Reject": self._reject,
        }
        self.call = world.store.put(
            Call(
                sid=new_sid("CA"),
                account_sid=account.sid,
                from_=ring.from_,
                to=ring.to,
                number_sid=number.sid,
                started_at=now(),
            )
        )

    async def run(self) -> None:
        """Let the call happen, and wait for the callbacks that come after it."""
        number = self._number
        if not number.voice_url:
            self._hear(NOT_CONFIGURED)
        else:
            document = await self._ask(number.voice_url, number.voice_method, ())
            # A document that leads to itself would keep the line open, and a test running, for ever.
            for _ in range(MOST_DOCUMENTS):
                if document is None:
                    break
                self._note(status="in-progress")
                document = await self._obey(document)
        await self._end()
        await asyncio.gather(*self._callbacks)

    async def _ask(self, url: str, method: str, extra: Parameters) -> Document | None:
        """The next document; from the fallback URL if need be; None with an apology if there is none at all."""
        number, parameters = self._number, (*self._standard(), *extra)
        outcome = await self._world.webhooks.deliver(self._account, url, method, parameters, number.voice_fallback_url)
        try:
            return read(outcome)
        except Unreadable as error:
            document = await self._ask_fallback(error, outcome.url, parameters)
        if document is None:
            self._hear(APPLICATION_ERROR)
        return document

    async def _ask_fallback(self, error: Unreadable, url: str, parameters: Parameters) -> Document | None:
        fallback = self._number.voice_fallback_url
        # A request that failed has been to the fallback already, inside `deliver`.
        if not fallback or not error.answered:
            return None
        reason = (("ErrorCode", str(error.code)), ("ErrorUrl", url))
        outcome = await self._world.webhooks.deliver(
            self._account, fallback, self._number.voice_fallback_method, (*parameters, *reason)
        )
        try:
            return read(outcome)
        except Unreadable:
            return None

    async def _obey(self, document: Document) -> Document | None:
        self._url = document.url
        for verb in document.verbs:
            carry_out = self._verbs.get(verb.tag)
            # Twilio warns (12200) and goes on.
            if carry_out is None:
                continue
            step = await carry_out(verb)
            if step.ends or step.document:
                return step.document
        return None

    async def _say(self, verb: Element) -> Step:
        text = "".join(verb.itertext()).strip()
        self._hear(text)
        await self._world.wait(len(text) / LETTERS_PER_SECOND)
        return self._after_greeting()

    async def _play(self, verb: Element) -> Step:
        self._hear(f"({verb.text or ''})")
        await self._world.wait(3.0)
        return self._after_greeting()

    async def _pause(self, verb: Element) -> Step:
        await self._world.wait(float(verb.get("length", "1")))
        return GO_ON

    async def _hang_up(self, _verb: Element) -> Step:
        return END

    async def _reject(self, _verb: Element) -> Step:
        self._note(status="busy")
        return END

    async def _redirect(self, verb: Element) -> Step:
        return await self._go_to(verb.text or "", verb.get("method", "POST"), ())

    async def _dial(self, verb: Element) -> Step:
        """Nobody ever picks up at the other end."""
        self._hear("(ringing)")
        await self._world.wait(float(verb.get("timeout", "30")))
        if not verb.get("action"):
            return GO_ON
        extra = (("DialCallStatus", "no-answer"), ("DialCallSid", new_sid("CA")))
        return await self._go_to(verb.get("action", ""), verb.get("method", "POST"), extra)

    async def _record(self, verb: Element) -> Step:
        if verb.get("playBeep", "true") == "true":
            self._hear("(beep)")
        speech = self._ring.speech
        taken = Taken(self._account, self.call, _new_recording(self.call), verb, self._url)
        # Older accounts make no action request for silence and run the next verb: the harder case for a portal.
        if self._ring.silent:
            await self._world.wait(float(verb.get("timeout", "5")))
            self._later(finish(self._world, taken, None, self._standard()))
            return GO_ON
        self._world.store.put(taken.recording)
        spoken = min(speech.seconds, int(verb.get("maxLength", "3600")))
        await self._world.wait(spoken)
        hung_up = self._ring.hangs_up == "message"
        if hung_up:
            self._note(status="completed", ended_at=now())
        # At the same time as the action request: in life either may come first.
        self._later(finish(self._world, taken, speech, self._standard()))
        extra = taken.action_parameters(spoken, "hangup" if hung_up else "")
        return await self._go_to(verb.get("action", ""), verb.get("method", "POST"), extra)

    def _after_greeting(self) -> Step:
        return END if self._ring.hangs_up == "greeting" else GO_ON

    async def _go_to(self, url: str, method: str, extra: Parameters) -> Step:
        # Without a URL Twilio asks for the present document again, which is how endless loops are made.
        following = await self._ask(urljoin(self._url, url) if url else self._url, method, extra)
        return Step(following) if following else END

    async def _end(self) -> None:
        # A rejected call has ended already, with a state of its own.
        if self.call.status in {"ringing", "in-progress"}:
            self._note(status="completed")
        if self.call.ended_at is None:
            self._note(ended_at=now())
        number, seconds = self._number, self.call.seconds
        if not number.status_callback:
            return
        extra = (
            ("CallDuration", str(seconds)),
            ("Duration", str(max(1, -(-seconds // 60)))),
            ("Timestamp", format_datetime(now())),
            ("SequenceNumber", "0"),
            ("CallbackSource", "call-progress-events"),
            ("SipResponseCode", "200"),
        )
        await self._world.webhooks.deliver(
            self._account, number.status_callback, number.status_callback_method, (*self._standard(), *extra)
        )

    def _later(self, work: Awaitable[None]) -> None:
        self._callbacks.append(asyncio.ensure_future(work))

    def _hear(self, text: str) -> None:
        self._note(heard=(*self.call.heard, text))

    def _note(self, **fields: object) -> None:
        self.call = self._world.store.change(self.call, **fields)

    def _standard(self) -> list[tuple[str, str]]:
        call = self.call
        parameters = [
            ("CallSid", call.sid),
            ("AccountSid", call.account_sid),
            ("From", call.from_),
            ("To", call.to),
            ("Caller", call.from_),
            ("Called", call.to),
            ("CallStatus", call.status),
            ("ApiVersion", API_VERSION),
            ("Direction", "inbound"),
            ("StirVerstat", "TN-Validation-Passed-A"),
        ]
        for side, number in (("From", call.from_), ("Caller", call.from_), ("To", call.to), ("Called", call.to)):
            parameters += place_parameters(side, number)
        return parameters + ([("CallerName", self._ring.caller_name)] if self._ring.caller_name else [])


def _new_recording(call: Call) -> Recording:
    return Recording(sid=new_sid("RE"), account_sid=call.account_sid, call_sid=call.sid)
