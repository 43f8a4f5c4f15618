"""Faults on demand, for one account or all, so that what happens on a bad day can be tried on a good one."""

import asyncio
import base64
import binascii
import re
from contextlib import suppress
from typing import Literal

from pydantic import BaseModel, Field
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tenant_portal.simulator.stand_in.problems import Problem, answer


class Fault(BaseModel):
    """Something that goes wrong the next `times` times. An empty account, method or path means any.

    `status` answers with that status and code before anything is done, `hang` waits `seconds` before it, `drop` breaks
    the connection before anything is done, `drop_after` does what was asked and breaks the connection then.
    """

    kind: Literal["status", "hang", "drop", "drop_after"]
    account_sid: str = ""
    method: str = ""
    path_contains: str = ""
    status: int = 500
    code: int = 20500
    seconds: float = Field(30.0, ge=0, le=600)
    retry_after: int | None = None
    times: int = Field(1, ge=1)


class Faults:
    """The faults that wait for a request."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let a fault wait; the oldest that fits a request comes first."""
        self.waiting.append(fault)

    def clear(self) -> None:
        """Let everything go well again."""
        self.waiting.clear()

    def take(self, account_sids: set[str], method: str, path: str) -> Fault | None:
        """The fault this request meets, used up by one."""
        for at, fault in enumerate(self.waiting):
            if (
                fault.account_sid in {"", *account_sids}
                and fault.method in {"", method}
                and fault.path_contains in path
            ):
                # Taken out before the request is answered: two requests at once must not share one.
                left = fault.times - 1
                self.waiting[at : at + 1] = [fault.model_copy(update={"times": left})] if left else []
                return fault
        return None


class FaultMiddleware:
    """Lets waiting faults happen to API requests; the private paths of the simulator itself never fail."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self.app = app
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry out the request, or what happens in its place."""
        fault = None
        # Whoever sets faults must be able to take them back.
        if scope["type"] == "http" and not scope["path"].startswith("/_"):
            fault = self.faults.take(_accounts_of(scope), scope["method"], scope["path"])
        if fault is None:
            await self.app(scope, receive, send)
        elif fault.kind == "status":
            refusal = Problem(fault.status, fault.code, retry_after=fault.retry_after)
            await answer(refusal)(scope, receive, send)
        elif fault.kind == "hang":
            await asyncio.sleep(fault.seconds)
            await self.app(scope, receive, send)
        else:
            # A difference only the server knows, and the reason why a send is never repeated blindly.
            if fault.kind == "drop_after":
                await self.app(scope, receive, _nowhere)
            await _break_off(send)


async def _nowhere(message: Message) -> None:
    """Swallow an answer that nobody is to see."""


async def _break_off(send: Send) -> None:
    # A length that is not kept makes the server close the connection: to the caller the line went dead.
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
    await send({"type": "http.response.body", "body": b"", "more_body": True})


def _accounts_of(scope: Scope) -> set[str]:
    found = set(re.findall(r"AC[0-9a-f]{32}", scope["path"]))
    kind, _, encoded = Headers(scope=scope).get("Authorization", "").partition(" ")
    if kind.lower() == "basic":
        with suppress(binascii.Error, UnicodeDecodeError):
            found.add(base64.b64decode(encoded).decode().partition(":")[0])
    return found
