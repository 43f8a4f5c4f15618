"""Who may call the handlers of which state. A state that is not listed cannot be called at all."""

from enum import StrEnum

import reflex as rx

from tenant_portal.identity.queries import Person
from tenant_portal.ui.pages.activity import ActivityState
from tenant_portal.ui.pages.calls import CallsState
from tenant_portal.ui.pages.channels import ChannelsState, ConnectState, VoiceState
from tenant_portal.ui.pages.home import HomeState
from tenant_portal.ui.pages.inbox import ComposerState, DeskState, FindState, FoundState, InboxState, TemplateSendState
from tenant_portal.ui.pages.insight import InsightState
from tenant_portal.ui.pages.leads import (
    BoardState,
    ConsentState,
    DuplicatesState,
    LeadImportState,
    LeadSetupState,
    LeadsState,
    LeadState,
)
from tenant_portal.ui.pages.quarantine import HeldRequestsState
from tenant_portal.ui.pages.settings import NotificationsState, QuietHoursState, RepliesState, SettingsState
from tenant_portal.ui.pages.simulator import CheckState, HandsetState
from tenant_portal.ui.pages.templates import TemplatesState
from tenant_portal.ui.pages.tenants import TenantDetailState, TenantsState
from tenant_portal.ui.session_state import SessionState


class Audience(StrEnum):
    """Who a state's handlers are for."""

    CLIENT = "client"
    STAFF = "staff"
    SIGNED_IN = "signed in"


AUDIENCES: dict[type[rx.State], Audience] = {
    SessionState: Audience.SIGNED_IN,
    SettingsState: Audience.SIGNED_IN,
    NotificationsState: Audience.CLIENT,
    QuietHoursState: Audience.CLIENT,
    ActivityState: Audience.CLIENT,
    HomeState: Audience.CLIENT,
    InboxState: Audience.CLIENT,
    DeskState: Audience.CLIENT,
    ComposerState: Audience.CLIENT,
    RepliesState: Audience.CLIENT,
    TemplateSendState: Audience.CLIENT,
    FindState: Audience.CLIENT,
    FoundState: Audience.CLIENT,
    LeadsState: Audience.CLIENT,
    LeadState: Audience.CLIENT,
    ConsentState: Audience.CLIENT,
    BoardState: Audience.CLIENT,
    DuplicatesState: Audience.CLIENT,
    LeadSetupState: Audience.CLIENT,
    LeadImportState: Audience.CLIENT,
    ChannelsState: Audience.CLIENT,
    ConnectState: Audience.CLIENT,
    VoiceState: Audience.CLIENT,
    TemplatesState: Audience.CLIENT,
    CallsState: Audience.CLIENT,
    InsightState: Audience.CLIENT,
    TenantsState: Audience.STAFF,
    TenantDetailState: Audience.STAFF,
    HeldRequestsState: Audience.STAFF,
    CheckState: Audience.STAFF,
    HandsetState: Audience.STAFF,
}
# What the pages need of Reflex itself: first load, navigation. Its other handlers (setvar, error reports) are not open.
REFLEX_HANDLERS = frozenset(
    {
        "reflex___state____state.hydrate",
        "reflex___state____state.hydrate_and_load",
        "reflex___state____state.set_is_hydrated",
        "reflex___state____state.reflex___state____on_load_internal_state.on_load_internal",
        "reflex___state____state.reflex___state____on_load_internal_state.set_is_hydrated",
    }
)


def audience_of(event_name: str) -> Audience | None:
    """Who may send this event; None for nobody."""
    if event_name in REFLEX_HANDLERS:
        return Audience.SIGNED_IN
    state_name, _, handler = event_name.rpartition(".")
    if handler == "setvar":
        return None
    return next((who for state, who in AUDIENCES.items() if state.get_full_name() == state_name), None)


def may_call(person: Person, event_name: str) -> bool:
    """Whether this person may send this event."""
    audience = audience_of(event_name)
    if audience is Audience.SIGNED_IN:
        return True
    return audience is (Audience.STAFF if person.is_staff else Audience.CLIENT)
