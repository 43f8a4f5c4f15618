"""Every handler of the clients' pages asks first who is there, whatever the gate in front of it does."""

from typing import Any

import pytest

from tenant_portal.errors import NotAllowed
from tenant_portal.ui.pages.home import HomeState
from tenant_portal.ui.pages.inbox import InboxState
from tenant_portal.ui.pages.leads import LeadsState, LeadState
from tests.cast import Cast
from tests.ui.handlers import HANDLERS
from tests.ui_client.browser import sign_in

pytestmark = pytest.mark.database
STATES = (HomeState, InboxState, LeadsState, LeadState)
WITH_FORM = {"send", "rename", "add_note"}
WITH_WORD = {
    "set_filter",
    "choose_channel",
    "measure",
    "retry",
    "fetch_again",
    "find",
    "set_stage",
    "delete_note",
}


def arguments(handler: str) -> tuple[Any, ...]:
    if handler in WITH_FORM:
        return ({"body": "x", "name": "x", "note": "x"},)
    return ("x",) if handler in WITH_WORD else ()


@pytest.mark.parametrize("who", ["nobody", "staff"])
async def test_nobody_and_staff_are_refused_by_every_handler(cast: Cast, who: str) -> None:
    tab = await sign_in(cast.sam if who == "staff" else None)
    for state in STATES:
        before = tab.state(state).dict()
        for handler in HANDLERS[state.__name__]:
            with pytest.raises(NotAllowed):
                await tab.call(getattr(state, handler), *arguments(handler))
        assert tab.state(state).dict() == before
