"""Every handler of the clients' pages asks first who is there, whatever the gate in front of it does."""

from typing import Any, get_type_hints

import pytest

from tenant_portal.errors import NotAllowed
from tenant_portal.ui.pages.home import HomeState
from tenant_portal.ui.pages.inbox import ComposerState, DeskState, FindState, InboxState, TemplateSendState
from tenant_portal.ui.pages.leads import (
    BoardState,
    DuplicatesState,
    LeadImportState,
    LeadSetupState,
    LeadsState,
    LeadState,
)
from tenant_portal.ui.pages.settings import NotificationsState, RepliesState
from tenant_portal.ui.pages.templates import TemplatesState
from tests.cast import Cast
from tests.ui.handlers import HANDLERS
from tests.ui_client.browser import sign_in

pytestmark = pytest.mark.database
STATES = (
    HomeState,
    InboxState,
    DeskState,
    ComposerState,
    FindState,
    NotificationsState,
    RepliesState,
    TemplateSendState,
    TemplatesState,
    LeadsState,
    LeadState,
    BoardState,
    DuplicatesState,
    LeadImportState,
    LeadSetupState,
)
FORM = {"body": "x", "name": "x", "note": "x"}
OF_TYPE: dict[Any, Any] = {str: "x", bool: True, int: 1, dict[str, Any]: FORM}


def arguments(handler: Any) -> tuple[Any, ...]:
    """Something of the right type for each argument."""
    hints = get_type_hints(handler.fn)
    return tuple(OF_TYPE[hint] for name, hint in hints.items() if name != "return")


@pytest.mark.parametrize("who", ["nobody", "staff"])
async def test_nobody_and_staff_are_refused_by_every_handler(cast: Cast, who: str) -> None:
    tab = await sign_in(cast.sam if who == "staff" else None)
    for state in STATES:
        before = tab.state(state).dict()
        for handler in HANDLERS[state.__name__]:
            called = getattr(state, handler)
            with pytest.raises(NotAllowed):
                await tab.call(called, *arguments(called))
        assert tab.state(state).dict() == before
