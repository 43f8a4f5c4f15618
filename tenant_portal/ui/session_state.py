"""Who is signed in. Every handler of every page begins with `await client(self)` or `await staff(self)`."""

from datetime import UTC, datetime
from typing import Any

import reflex as rx

from tenant_portal.db import identity_session, tenant_session
from tenant_portal.errors import NotAllowed
from tenant_portal.identity.cookies import read_token
from tenant_portal.identity.queries import Person
from tenant_portal.identity.sessions import resume
from tenant_portal.inbox.notifying import get_choice, list_news
from tenant_portal.inbox.queries import count_unread
from tenant_portal.ui.news_items import NewsItem, news_item

ROLE_WORDS = {"owner": "Owner", "agent": "Agent", "staff": "Agency staff"}


class SignedOut(NotAllowed):
    """There is no live session behind this event."""

    def __init__(self) -> None:
        super().__init__("You are signed out.")


class SessionState(rx.State):
    """What the frame shows of the signed-in person. A cache for the browser, never the ground of a decision."""

    name: str = ""
    email: str = ""
    role: str = ""
    client: str = ""
    initials: str = ""
    is_owner: bool = False
    is_suspended: bool = False
    unread: int = 0
    news: list[NewsItem] = []
    plays_sound: bool = False
    trouble: str = ""
    # SHA-256 of the session token this state belongs to; see ui/gate.py.
    _bound: bytes = b""
    # When this tab was opened: what came in before is no news to it.
    _opened_at: datetime | None = None

    @rx.event
    async def load(self) -> None:
        """Fill the frame; the first of every page's on_load."""
        self.trouble = ""
        self._opened_at = self._opened_at or datetime.now(UTC)
        await _read(self, await signed_in(self))

    @rx.event
    async def refresh(self) -> None:
        """What changes while a page is open; called at every live update, whichever page it is."""
        await _read(self, await signed_in(self), with_news=True)

    @rx.event
    async def tell_trouble(self, text: str) -> None:
        """Show a sentence on top of the page, whichever it is; see `trouble_events`."""
        await signed_in(self)
        self.trouble = text[:500]

    @rx.event
    async def dismiss_trouble(self) -> None:
        """The reader has read it."""
        await signed_in(self)
        self.trouble = ""


async def _read(state: SessionState, person: Person, *, with_news: bool = False) -> None:
    show(state, person)
    if person.tenant_id is not None:
        # One transaction: each open page comes here at each change.
        async with tenant_session(person.tenant_id) as session:
            state.unread = await count_unread(session, person.tenant_id, person.user_id)
            if with_news:
                await _read_news(state, session, person)


async def _read_news(state: SessionState, session: Any, person: Person) -> None:
    now = datetime.now(UTC)
    choice = await get_choice(session, person)
    rows = await list_news(session, person, choice, state._opened_at or now, now)
    items = [news_item(row, shows_text=choice.shows_text) for row in rows]
    if items != state.news:
        state.news = items
    state.plays_sound = choice.plays_sound


def show(state: SessionState, person: Person) -> None:
    """Copy what the frame shows of this person."""
    state.name, state.email, state.client = person.name, person.email, person.client
    state.role = ROLE_WORDS[person.role]
    state.initials = initials_of(person.name)
    state.is_owner = person.role == "owner"
    state.is_suspended = person.client_state == "suspended"


def initials_of(name: str) -> str:
    """One or two letters for an avatar."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])) or "?"


def token_of(state: rx.State) -> str | None:
    """The session token that came with this event's websocket."""
    return read_token(state.router.headers.cookie)


async def signed_in(state: rx.State) -> Person:
    """The person behind this event, read from the database each time; NotAllowed without a live session."""
    token = token_of(state)
    if token is None:
        raise SignedOut
    async with identity_session() as session:
        person = await resume(session, token, datetime.now(UTC))
    if person is None:
        raise SignedOut
    return person


async def client(state: rx.State) -> Person:
    """As `signed_in`, for a client's page: `person.tenant_id` is set."""
    person = await signed_in(state)
    if person.is_staff or person.tenant_id is None:
        raise NotAllowed
    return person


async def staff(state: rx.State) -> Person:
    """As `signed_in`, for a page of the agency."""
    person = await signed_in(state)
    if not person.is_staff:
        raise NotAllowed
    return person


def form_text(form: dict[str, Any], name: str, longest: int = 2000) -> str:
    """A text field of a submitted form; whatever else a browser sends there counts as empty."""
    value = form.get(name, "")
    return value[:longest] if isinstance(value, str) else ""
