"""A browser's websocket, by hand: what a page sends, and everything that comes back, as raw text.

Engine.IO 4 and Socket.IO 5 over one websocket: `0` open, `2`/`3` ping and pong, `40` connect, `42` event, each followed
by the namespace. A page's own client does no more than this.
"""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

NAMESPACE = "/_event"
ROOT_STATE = "reflex___state____state"
FLAG = "is_hydrated_rx_state_"
MARKER = f"{ROOT_STATE}.set_is_hydrated"
OPEN_SECONDS = 10.0
ANSWER_SECONDS = 10.0
QUIET_SECONDS = 0.03
MOST_BYTES = 16 * 1024 * 1024


class Refused(Exception):
    """The portal did not let this socket in, or has closed it."""


def new_client_token() -> str:
    """What a browser tab calls itself; no secret."""
    return secrets.token_hex(16)


class Tab:
    """One open tab. `frames` are all events received so far, as text; `view` is what the page shows, by state."""

    def __init__(self, socket: ClientConnection, token: str, marker: str) -> None:
        self._socket = socket
        self._marker = marker
        self._flag = False
        self.token = token
        self.frames: list[str] = []
        self.view: dict[str, dict[str, Any]] = {}
        self._arrived = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self.is_closed = False

    async def start(self) -> Self:
        """Say hello to the namespace; Refused where it says no."""
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await self._socket.recv()
                await self._socket.send(f"40{NAMESPACE},{{}}")
                # What Reflex sends while it is connecting (a new name for this tab) comes before the yes.
                while (answer := str(await self._socket.recv())).startswith(f"42{NAMESPACE}"):
                    continue
        except (ConnectionClosed, TimeoutError) as error:
            raise Refused(str(error)) from None
        if not answer.startswith(f"40{NAMESPACE}"):
            raise Refused(answer[:80])
        self._reader = asyncio.create_task(self._read())
        return self

    async def close(self) -> None:
        """Close the tab."""
        if self._reader is not None:
            self._reader.cancel()
        await self._socket.close()

    async def send(self, name: str, payload: Mapping[str, Any], path: str = "/") -> None:
        """Have the portal run a handler, as the page at `path` would; Refused where the socket is closed."""
        ids = path.rstrip("/").rpartition("/")[2]
        router = {"pathname": path, "asPath": path, "query": dict.fromkeys(ROUTE_VARIABLES, ids)}
        event = {"name": name, "payload": dict(payload), "router_data": router}
        with self._refusing():
            await self._socket.send(f"42{NAMESPACE}," + json.dumps(["event", event]))

    async def call(self, name: str, payload: Mapping[str, Any], path: str = "/") -> list[str]:
        """Run a handler and wait until it has ended; the frames that came meanwhile.

        Reflex says nothing at the end of an event. The events of a tab are worked off in order, so one that surely
        answers is sent behind it: a flag of the page is turned over.
        """
        before, self._flag = len(self.frames), not self._flag
        await self.send(name, payload, path)
        await self.send(self._marker, {"value": self._flag}, path)
        await self._until(lambda: any(map(self._is_mark, self.frames[before:])), ANSWER_SECONDS)
        # What the handler itself set going (further handlers, in turn) may still be on its way.
        await asyncio.sleep(QUIET_SECONDS)
        return [answer for frame in self.frames[before:] if (answer := told(frame))]

    async def load(self, name: str, path: str) -> list[str]:
        """Open the page at `path`: the event `name` runs the page's own handlers, and after them shows the page."""
        before = len(self.frames)
        await self.send(name, {}, path)
        await self._until(lambda: any(map(_shows_page, self.frames[before:])), ANSWER_SECONDS)
        self._flag = True
        await asyncio.sleep(QUIET_SECONDS)
        return [answer for frame in self.frames[before:] if (answer := told(frame))]

    async def wait_for(self, is_there: Callable[[str], bool], seconds: float = ANSWER_SECONDS) -> bool:
        """Whether such a frame comes, or has come, in this time."""
        return await self._until(lambda: any(map(is_there, self.frames)), seconds)

    async def grows_past(self, count: int, seconds: float) -> bool:
        """Whether more than so many frames have come within this time."""
        return await self._until(lambda: len(self.frames) > count, seconds)

    async def _until(self, is_so: Callable[[], bool], seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not is_so() and not self.is_closed:
                    self._arrived.clear()
                    await self._arrived.wait()
        return is_so()

    async def wait(self, seconds: float) -> list[str]:
        """The frames that come by themselves in this time."""
        before = len(self.frames)
        await asyncio.sleep(seconds)
        return self.frames[before:]

    def _is_mark(self, frame: str) -> bool:
        return "is_hydrated" in frame and delta_of(frame).get(ROOT_STATE, {}).get(FLAG) is self._flag

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                await self._take(str(message))
        except ConnectionClosed:
            pass
        finally:
            self.is_closed = True
            self._arrived.set()

    async def _take(self, message: str) -> None:
        if message == "2":
            await self._socket.send("3")
        elif message.startswith("42"):
            frame = message.partition(",")[2]
            self.frames.append(frame)
            for state, values in delta_of(frame).items():
                self.view.setdefault(state, {}).update(values)
            self._arrived.set()
        elif message.startswith(("41", "1")):
            await self._socket.close()

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except ConnectionClosed as error:
            raise Refused(str(error)) from None


def _shows_page(frame: str) -> bool:
    return "is_hydrated" in frame and delta_of(frame).get(ROOT_STATE, {}).get(FLAG) is True


def delta_of(frame: str) -> dict[str, dict[str, Any]]:
    """The variables that a frame changes, by state."""
    found = json.loads(frame)[1]
    delta = found.get("delta") if isinstance(found, dict) else None
    return delta if isinstance(delta, dict) else {}


def told(frame: str) -> str:
    """What a frame tells the page, in one order; "" if nothing.

    Reflex's own root state is left out: it holds the address that the tab itself named.
    """
    content = json.loads(frame)[1]
    if not isinstance(content, dict):
        return ""
    delta = {state: values for state, values in (content.get("delta") or {}).items() if state != ROOT_STATE and values}
    events = content.get("events") or []
    return json.dumps([delta, events], sort_keys=True, ensure_ascii=False) if delta or events else ""


@asynccontextmanager
async def tab(
    address: str, *, origin: str, cookie: str = "", token: str = "", marker: str = MARKER
) -> AsyncIterator[Tab]:
    """A tab on the portal at `address`; Refused where it is not let in."""
    token = token or new_client_token()
    parts = urlsplit(address)
    scheme = "wss" if parts.scheme == "https" else "ws"
    url = f"{scheme}://{parts.netloc}{NAMESPACE}/?{urlencode({'EIO': 4, 'transport': 'websocket', 'token': token})}"
    headers = {"Cookie": cookie} if cookie else {}
    try:
        socket = await connect(
            url,
            origin=origin or None,  # type: ignore[arg-type]
            additional_headers=headers,
            proxy=None,
            max_size=MOST_BYTES,
            open_timeout=OPEN_SECONDS,
        )
    except (InvalidHandshake, InvalidMessage, ConnectionClosed, OSError, TimeoutError) as error:
        raise Refused(str(error)) from None
    opened = Tab(socket, token, marker)
    try:
        yield await opened.start()
    finally:
        await opened.close()


ROUTE_VARIABLES = ("conversation_id", "lead_id", "staff_tenant_id")
