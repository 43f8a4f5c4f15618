"""Who else is in the open thread, so that two do not answer at once. `state` is the inbox's."""

import asyncio
from typing import Any
from uuid import UUID

from tenant_portal.identity.queries import Person
from tenant_portal.ui.pages.inbox.reading import id_of, tenant_of
from tenant_portal.ui.presence import presence


def show_writers(state: Any, person: Person) -> None:
    """Say in the open thread who else is answering."""
    names = {one.id: one.name for one in state.team}
    writing = [names.get(str(one), "A colleague") for one in _writing(state, person)]
    state.writers = f"{' and '.join(writing)} {'is' if len(writing) == 1 else 'are'} answering" if writing else ""


def _writing(state: Any, person: Person) -> list[UUID]:
    if not state.thread.id:
        return []
    return presence.others((tenant_of(person), id_of(state.thread.id)), person.user_id, clock())


def collision(state: Any, person: Person) -> str:
    """Why this answer may be one too many; empty where nobody else answers."""
    if state._written_after is not None and last_of_others(state, person) != state._written_after:
        return "A colleague has answered since you began to write. Press Enter again to send yours as well."
    show_writers(state, person)
    return f"{state.writers} here too. Press Enter again to send yours." if state.writers else ""


def last_of_others(state: Any, person: Person) -> str:
    """The id of the newest message a colleague has sent; empty for none."""
    return next((one.id for one in reversed(state.messages) if one.is_ours and one.author != person.name), "")


def clock() -> float:
    """Seconds, as presence counts them."""
    return asyncio.get_running_loop().time()
