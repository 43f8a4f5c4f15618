"""The hub of live updates: who hangs on which tenant, and what a burst costs."""

import asyncio
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from reflex.event import Event

from tenant_portal.identity.queries import Person
from tenant_portal.models.enums import Role
from tenant_portal.ui.event_gate import BURST, EVENTS_PER_SECOND, Bucket, fits, payload_size
from tenant_portal.ui.live import GAP_SECONDS, Hub, Live, hub

ACME, GLOBEX = uuid4(), uuid4()


def somebody(tenant_id: UUID | None) -> Person:
    return Person(uuid4(), tenant_id, "Alice", "alice@acme.example", Role.OWNER if tenant_id else Role.STAFF, uuid4())


def test_a_socket_hangs_on_its_own_tenant_only() -> None:
    sockets = Hub()
    sockets.enter("a", somebody(ACME))
    sockets.enter("g", somebody(GLOBEX))
    assert (sockets.of_tenant(ACME), sockets.of_tenant(GLOBEX)) == (["a"], ["g"])


def test_staff_hang_on_no_tenant() -> None:
    sockets = Hub()
    sockets.enter("s", somebody(None))
    assert sockets.by_tenant == {}


def test_a_socket_that_comes_again_leaves_its_old_tenant() -> None:
    sockets = Hub()
    sockets.enter("a", somebody(ACME))
    sockets.enter("a", somebody(GLOBEX))
    assert sockets.of_tenant(ACME) == []


def test_nothing_is_left_of_a_socket_that_went() -> None:
    sockets = Hub()
    sockets.enter("a", somebody(ACME))
    sockets.leave("a")
    sockets.leave("a")
    assert (sockets.sockets, sockets.by_tenant) == ({}, {})


def test_another_session_cannot_choose_what_a_socket_is_poked_with() -> None:
    sockets, alice = Hub(), somebody(ACME)
    sockets.enter("a", alice)
    sockets.want("a", alice, ("inbox",))
    sockets.want("a", somebody(ACME), ("other",))
    sockets.want("unknown", alice, ("x",))
    assert sockets.sockets["a"].handlers == ("inbox",)


def test_all_sockets_of_a_session_are_found() -> None:
    sockets, alice = Hub(), somebody(ACME)
    for sid in ("1", "2"):
        sockets.enter(sid, alice)
    sockets.enter("3", somebody(ACME))
    assert sockets.of_session(alice.session_id) == ["1", "2"]


class Wire:
    """Stands where the websocket would be, and notes what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.namespace = "/_event"

    async def emit(self, event: str, update: Any, *, to: str) -> None:
        self.sent.append((to, repr(update)))


@pytest.fixture
def wire() -> Any:
    """An empty hub for one test."""
    yield Wire()
    for sid in list(hub.sockets):
        hub.leave(sid)


async def test_a_burst_pokes_at_once_and_once_more(wire: Wire) -> None:
    alice, live = somebody(ACME), Live(SimpleNamespace(event_namespace=wire, sio=None))  # type: ignore[arg-type]
    hub.enter("a", alice)
    hub.want("a", alice, (_handler(),))
    for _ in range(50):
        await live._receive("portal_live", f"{GLOBEX},{ACME}")
    assert len(wire.sent) == 1
    await asyncio.sleep(GAP_SECONDS + 0.1)
    assert len(wire.sent) == 2


async def test_the_frame_is_refreshed_on_every_page(wire: Wire) -> None:
    live = Live(SimpleNamespace(event_namespace=wire, sio=None))  # type: ignore[arg-type]
    hub.enter("a", somebody(ACME))
    await live._receive("portal_live", str(ACME))
    assert "session_state.refresh" in wire.sent[0][1]


@pytest.mark.parametrize("payload", ["", ",", "not an id", "' or 1=1", "0" * 500])
async def test_a_strange_notification_is_ignored(wire: Wire, payload: str) -> None:
    await Live(SimpleNamespace(event_namespace=wire, sio=None))._receive("portal_live", payload)  # type: ignore[arg-type]
    assert wire.sent == []


async def test_an_ended_session_is_sent_to_the_signed_out_page(wire: Wire) -> None:
    alice, live = somebody(ACME), Live(SimpleNamespace(event_namespace=wire, sio=None))  # type: ignore[arg-type]
    hub.enter("a", alice)
    hub.enter("b", somebody(ACME))
    await live._receive("portal_sessions", str(alice.session_id))
    assert [sid for sid, _ in wire.sent] == ["a"]
    assert "/signed-out" in wire.sent[0][1]
    assert list(hub.sockets) == ["b"]


def _handler() -> Any:
    return Event(name="reflex___state____state.hydrate", payload={})


def test_a_bucket_grants_a_burst_then_twenty_a_second() -> None:
    bucket = Bucket(at=0.0)
    assert sum(bucket.take(0.0) for _ in range(100)) == BURST
    assert sum(bucket.take(10.0) for _ in range(100)) <= BURST
    refreshed = Bucket(tokens=0.0, at=0.0)
    assert sum(refreshed.take(1.0) for _ in range(40)) == EVENTS_PER_SECOND


@pytest.mark.parametrize(
    ("hint", "value", "fit"),
    [
        (str, "text", True),
        (str, 3, False),
        (str, None, False),
        (int, 3, True),
        (int, "3", True),
        (int, "three", False),
        (int, True, True),
        (bool, True, True),
        (bool, "perhaps", False),
        (str | None, None, True),
        (dict[str, Any], {"a": [1]}, True),
        (dict[str, Any], "a", False),
        (list[str], ["a"], True),
        (list[str], [1], False),
        (datetime, {"$gt": ""}, False),
    ],
)
def test_an_argument_must_fit_its_annotation(hint: Any, value: Any, fit: bool) -> None:
    assert fits({"x": hint, "return": None}, {"x": value}) is fit


def test_an_argument_nobody_asked_for_does_not_fit() -> None:
    assert not fits({"x": str}, {"x": "a", "person": "alice"})


def test_the_size_of_an_event_is_that_of_its_json() -> None:
    assert payload_size({"a": "x" * 100}) == 109
