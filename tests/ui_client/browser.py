"""A browser tab without a browser: the state tree of one signed-in person, whose handlers are called directly."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import reflex as rx
from reflex.istate.data import HeaderData, PageData, SessionData

from tenant_portal import db, tenant_portal
from tenant_portal.identity.cookies import cookie_name
from tenant_portal.identity.sessions import begin
from tenant_portal.models import User
from tests.cast import Someone

# The composition root: it makes `conversation_id` and `lead_id` known to every state.
APP = tenant_portal.app
State = TypeVar("State", bound=rx.State)


@dataclass(frozen=True, slots=True)
class Tab:
    """One open tab."""

    root: rx.State

    def state(self, kind: type[State]) -> State:
        """This tab's state of a page."""
        return self.root.get_substate(kind.get_full_name().split(".")[1:])  # type: ignore[return-value]

    async def call(self, handler: Any, *arguments: object, **address: object) -> Any:
        """Call a handler as an event would; `address` holds what stands in the address bar. The handler's state."""
        if address:
            self.root.rx_router_page = PageData(params={name: str(value) for name, value in address.items()})
        state_name, _, name = handler.fn.__qualname__.partition(".")
        kind = next(one for one in _all(rx.State) if one.__name__ == state_name)
        state = self.state(kind)
        await getattr(kind, name).fn(state, *arguments)
        return state


def _all(kind: type[rx.State]) -> list[type[rx.State]]:
    return [one for child in kind.get_substates() for one in (child, *_all(child))]


async def sign_in(someone: Someone | None) -> Tab:
    """A fresh tab of this person; of nobody for None."""
    root = rx.State(_reflex_internal_init=True)  # type: ignore[call-arg]
    cookie = f"{cookie_name()}={await _token(someone)}" if someone else ""
    root.rx_router_headers = HeaderData.from_router_data({"headers": {"cookie": cookie}})
    root.rx_router_session = SessionData(client_token="token", client_ip="127.0.0.1", session_id="sid")
    return Tab(root)


async def _token(someone: Someone) -> str:
    async with db.identity_session() as session:
        user = await session.get_one(User, someone.user_id)
        return await begin(session, user, address="127.0.0.1", user_agent="test", now=datetime.now(UTC))
