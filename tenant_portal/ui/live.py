"""Live updates: PostgreSQL says which tenant changed, its open browsers are poked and ask again themselves.

A poke carries no data: the browser calls the page's own handler, so gate, cookie and tenant are checked as for a click.
Sockets are known by socket id, which nobody can take over (a client token can be).
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
import reflex as rx
from reflex.event import Event
from reflex.state import StateUpdate

from tenant_portal import tasks
from tenant_portal.db import CONNECT_SECONDS, KEEPALIVE, LIVE_CHANNEL, session_url
from tenant_portal.identity.queries import Person
from tenant_portal.identity.sessions import SESSIONS_CHANNEL
from tenant_portal.inbox.presence import PRESENCE_CHANNEL
from tenant_portal.ui import routes
from tenant_portal.ui.metrics import LISTENING, LIVE_SECONDS, SOCKETS
from tenant_portal.ui.presence import WRITING_SECONDS, presence
from tenant_portal.ui.session_state import SessionState

log = logging.getLogger(__name__)
EVENT = "event"
# A quarter of a second apart, so that pokes alone never use up what the event filter grants a socket.
GAP_SECONDS = 0.1
RECONNECT_SECONDS = 1.0
SIGNED_OUT_UPDATE = StateUpdate(events=Event.from_event_type(rx.redirect(routes.SIGNED_OUT, replace=True)))


@dataclass(slots=True)
class Socket:
    """One open tab: its session, its tenant (None for staff), and the handlers its page is poked with.

    `thread` is the conversation it shows, and `on_presence` what tells it who else is writing there.
    """

    session_id: UUID
    tenant_id: UUID | None
    handlers: tuple[Any, ...] = ()
    thread: UUID | None = None
    on_presence: Any = None


@dataclass(slots=True)
class Hub:
    """The open sockets of this process."""

    sockets: dict[str, Socket] = field(default_factory=dict)
    by_tenant: dict[UUID, set[str]] = field(default_factory=dict)

    def enter(self, sid: str, person: Person) -> None:
        """Know this socket from now on, under this person's session and tenant only."""
        self.leave(sid)
        self.sockets[sid] = Socket(person.session_id, person.tenant_id)
        if person.tenant_id is not None:
            self.by_tenant.setdefault(person.tenant_id, set()).add(sid)

    def leave(self, sid: str) -> None:
        """Forget a socket; harmless if it was never known."""
        socket = self.sockets.pop(sid, None)
        if socket is None or socket.tenant_id is None:
            return
        members = self.by_tenant[socket.tenant_id]
        members.discard(sid)
        if not members:
            del self.by_tenant[socket.tenant_id]

    def want(
        self, sid: str, person: Person, handlers: tuple[Any, ...], thread: UUID | None = None, on_presence: Any = None
    ) -> None:
        """What this socket is poked with. A socket of another session is left alone."""
        socket = self.sockets.get(sid)
        if socket is not None and socket.session_id == person.session_id:
            socket.handlers, socket.thread, socket.on_presence = handlers, thread, on_presence

    def at_thread(self, tenant_id: UUID, thread: UUID) -> list[str]:
        """Sockets of this tenant that show this conversation."""
        return [sid for sid in self.of_tenant(tenant_id) if self.sockets[sid].thread == thread]

    def of_tenant(self, tenant_id: UUID) -> list[str]:
        """Sockets that belong to this tenant."""
        return list(self.by_tenant.get(tenant_id, ()))

    def of_session(self, session_id: UUID) -> list[str]:
        """Sockets that hang on this browser session."""
        return [sid for sid, socket in self.sockets.items() if socket.session_id == session_id]


hub = Hub()
SOCKETS.labels("clients").set_function(lambda: sum(len(members) for members in hub.by_tenant.values()))
SOCKETS.labels("staff").set_function(lambda: sum(socket.tenant_id is None for socket in hub.sockets.values()))


async def join(
    state: rx.State, person: Person, *handlers: Any, thread: UUID | None = None, on_presence: Any = None
) -> None:
    """Have this tab's `handlers` called whenever the person's tenant changes. Replaces what the tab wanted before.

    `on_presence` is called when somebody begins or ends to write in `thread`.
    """
    hub.want(state.router.session.session_id, person, handlers, thread, on_presence)


@dataclass(slots=True)
class Live:
    """Carries notifications of PostgreSQL to the open sockets of this process."""

    app: rx.App
    poked_at: dict[UUID, float] = field(default_factory=dict)
    # Since when a poke is due, of those that are.
    waiting: dict[UUID, float] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Listens as long as the web process serves; one for each worker."""
        task = asyncio.create_task(self._listen_for_ever())
        try:
            yield
        finally:
            await tasks.end(task)

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError) as error:
                log.warning("live updates wait for the database", extra={"error": type(error).__name__})
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        # A connection of its own: a pooled one would lose its LISTEN when it goes back.
        connecting = psycopg.AsyncConnection.connect(
            session_url(), autocommit=True, connect_timeout=CONNECT_SECONDS, **KEEPALIVE
        )
        async with await connecting as connection:
            await connection.execute(f"listen {LIVE_CHANNEL}")
            await connection.execute(f"listen {SESSIONS_CHANNEL}")
            await connection.execute(f"listen {PRESENCE_CHANNEL}")
            # Whatever was announced while nobody listened is lost, so everybody asks again.
            await self._poke_all(list(hub.sockets))
            with LISTENING.track_inprogress():
                async for notification in connection.notifies():
                    await self._receive(notification.channel, notification.payload)

    async def _receive(self, channel: str, payload: str) -> None:
        if channel == PRESENCE_CHANNEL:
            await self._writes(payload)
            return
        ids = [found for part in payload.split(",") if (found := _uuid(part))]
        for found in ids:
            if channel == SESSIONS_CHANNEL:
                await self.cut(found)
            else:
                await self._changed(found)

    async def _writes(self, payload: str) -> None:
        """Somebody writes, or does no more: whoever looks at that thread is told now, and when it has lapsed."""
        ids = [found for part in payload.split(":") if (found := _uuid(part))]
        if len(ids) != 3:
            return
        tenant_id, thread, user_id = ids
        clock = asyncio.get_running_loop()
        if presence.note((tenant_id, thread), user_id, clock.time(), is_writing=payload.endswith(":1")):
            await self._poke_thread(tenant_id, thread)
        clock.call_later(WRITING_SECONDS + 0.1, lambda: clock.create_task(self._lapse(tenant_id, thread)))

    async def _lapse(self, tenant_id: UUID, thread: UUID) -> None:
        if presence.forget((tenant_id, thread), asyncio.get_running_loop().time()):
            await self._poke_thread(tenant_id, thread)

    async def _poke_thread(self, tenant_id: UUID, thread: UUID) -> None:
        for sid in hub.at_thread(tenant_id, thread):
            update = StateUpdate(events=Event.from_event_type(hub.sockets[sid].on_presence))
            await self._emit(sid, update)

    async def _changed(self, tenant_id: UUID) -> None:
        """Poke now, or once after the gap: a burst of messages costs each browser a few reads, not one each."""
        clock = asyncio.get_running_loop()
        wait = self.poked_at.get(tenant_id, 0.0) + GAP_SECONDS - clock.time()
        if wait <= 0:
            await self._poke_tenant(tenant_id)
        elif tenant_id not in self.waiting:
            self.waiting[tenant_id] = clock.time()
            clock.call_later(wait, lambda: clock.create_task(self._poke_tenant(tenant_id)))

    async def _poke_tenant(self, tenant_id: UUID) -> None:
        clock = asyncio.get_running_loop()
        now = clock.time()
        due = self.waiting.pop(tenant_id, now)
        self.poked_at.pop(tenant_id, None)
        if sids := hub.of_tenant(tenant_id):
            self.poked_at[tenant_id] = now
            await self._poke_all(sids)
            LIVE_SECONDS.observe(clock.time() - due)

    async def _poke_all(self, sids: list[str]) -> None:
        await asyncio.gather(*(self._poke(sid) for sid in sids), return_exceptions=True)

    async def _poke(self, sid: str) -> None:
        socket = hub.sockets.get(sid)
        if socket is not None:
            # The page's own handlers first: what the reader looks at, then the frame around it.
            wanted: list[Any] = [*socket.handlers, SessionState.refresh]
            await self._emit(sid, StateUpdate(events=Event.from_event_type(wanted)))

    async def _emit(self, sid: str, update: StateUpdate) -> None:
        namespace = self.app.event_namespace
        if namespace is not None:
            await namespace.emit(EVENT, update, to=sid)

    async def cut(self, session_id: UUID) -> None:
        """Send the tabs of an ended session to the signed-out page and close their sockets."""
        for sid in hub.of_session(session_id):
            await self._emit(sid, SIGNED_OUT_UPDATE)
            await self.close(sid)

    async def close_all(self) -> None:
        """Close every websocket of this process; the pages come again by themselves."""
        await asyncio.gather(*(self.close(sid) for sid in list(hub.sockets)), return_exceptions=True)

    async def close(self, sid: str) -> None:
        """Close the websocket below socket.io too: a closed namespace alone could be opened again on it."""
        hub.leave(sid)
        if self.app.sio is None or self.app.event_namespace is None:
            return
        transport = self.app.sio.manager.eio_sid_from_sid(sid, self.app.event_namespace.namespace)
        socket = self.app.sio.eio.sockets.get(transport)
        if socket is not None:
            # Not waiting: a browser that does not read would hold up whoever closes it.
            await socket.close(wait=False)
            # Ends the writer behind what it still has to send, and so the connection: a browser overlooks the packet.
            await socket.queue.put(None)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None
