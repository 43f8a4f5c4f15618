"""What every part of the simulated Twilio shares."""

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from tenant_portal import tasks
from tenant_portal.simulator.stand_in.faults import Faults
from tenant_portal.simulator.stand_in.records import Account, Message, Number, Sender
from tenant_portal.simulator.stand_in.store import Store
from tenant_portal.simulator.stand_in.webhooks import Webhooks

LINK_SECONDS = 60.0
PassOn = Callable[["World", Message], Coroutine[Any, Any, None]]
CONNECTED_SENDERS = frozenset({"ONLINE", "ONLINE:UPDATING"})


@dataclass
class World:
    """State, clock and outgoing webhooks of one simulated Twilio. `speed` 1 is life, 100 a hundred times faster.

    `pass_on` takes each delivered message, in case its recipient is a number hosted here too.
    """

    store: Store
    webhooks: Webhooks
    speed: float = 1.0
    pass_on: PassOn | None = None
    faults: Faults = field(default_factory=Faults)
    _links: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds / self.speed)

    async def wait_about(self, seconds: float) -> None:
        """Let roughly so much time pass, half of it more or less."""
        await self.wait(seconds * random.uniform(0.5, 1.5))  # noqa: S311  # no secret

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something while the caller goes on."""
        task = asyncio.create_task(work)
        # The loop keeps only weak references: without this set a waiting task can be collected.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Drop what is under way and close everything."""
        await tasks.end(*self._tasks)
        # After the tasks, which may be in the middle of a request.
        await self.webhooks.close()
        self.store.close()

    def account(self, sid: str) -> Account | None:
        """An account by its SID."""
        return self.store.get(Account, sid, sid)

    def owner_of(self, record_account_sid: str) -> Account:
        """The account of a record that is known to exist."""
        account = self.account(record_account_sid)
        assert account is not None
        return account

    def number(self, phone_number: str) -> Number | None:
        """Who answers at this phone number, in any account."""
        return next((one for one in self.store.all(Number) if one.phone_number == phone_number), None)

    def sender(self, phone_number: str, *, connected: bool = True) -> Sender | None:
        """The WhatsApp sender with this phone number, in any account."""
        found = [one for one in self.store.all(Sender) if one.phone_number == phone_number]
        return next((one for one in found if not connected or one.status in CONNECTED_SENDERS), None)

    def new_link(self, file: str, content_type: str) -> str:
        """The path of a short-lived link to a file, for which nobody asks credentials."""
        name = secrets.token_urlsafe(24)
        self._links[name] = (file, content_type, time.monotonic() + LINK_SECONDS)
        return f"/_cdn/{name}"

    def follow_link(self, name: str) -> tuple[str, str] | None:
        """File name and content type behind a link that still lives."""
        at = time.monotonic()
        # Dead links are dropped on the way: nothing else would ever free them.
        self._links = {key: link for key, link in self._links.items() if link[2] > at}
        link = self._links.get(name)
        return link[:2] if link else None
