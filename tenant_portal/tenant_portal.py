"""Composition root: every page, every gate, one application."""

from typing import Any

import reflex as rx
from starlette.applications import Starlette
from starlette.middleware import Middleware

from tenant_portal import http_routes
from tenant_portal.identity.http import EXCEPTION_HANDLERS
from tenant_portal.ui import routes, surface, theme
from tenant_portal.ui.access import audience_of
from tenant_portal.ui.event_gate import EventFilter, EventGate, on_exception
from tenant_portal.ui.gate import AsgiGate
from tenant_portal.ui.live import Live
from tenant_portal.ui.overlay import app_wraps
from tenant_portal.ui.pages.activity import ActivityState, activity_page
from tenant_portal.ui.pages.calls import CallsState, calls_page
from tenant_portal.ui.pages.channels import (
    ChannelsState,
    ConnectState,
    VoiceState,
    channels_page,
    connect_page,
    voice_page,
)
from tenant_portal.ui.pages.home import HomeState, home_page
from tenant_portal.ui.pages.inbox import (
    ComposerState,
    DeskState,
    InboxState,
    TemplateSendState,
    inbox_page,
    thread_page,
)
from tenant_portal.ui.pages.insight import InsightState, insight_page
from tenant_portal.ui.pages.leads import (
    BoardState,
    ConsentState,
    DuplicatesState,
    LeadImportState,
    LeadSetupState,
    LeadsState,
    LeadState,
    board_page,
    duplicates_page,
    import_page,
    lead_page,
    leads_page,
    setup_page,
)
from tenant_portal.ui.pages.not_found import not_found_page
from tenant_portal.ui.pages.quarantine import HeldRequestsState, quarantine_page
from tenant_portal.ui.pages.settings import (
    NotificationsState,
    QuietHoursState,
    RepliesState,
    SettingsState,
    replies_page,
    settings_page,
    staff_settings_page,
)
from tenant_portal.ui.pages.signed_out import signed_out_page
from tenant_portal.ui.pages.simulator import CheckState, HandsetState, check_page, handset_page
from tenant_portal.ui.pages.templates import TemplatesState, templates_page
from tenant_portal.ui.pages.tenants import TenantDetailState, TenantsState, tenant_page, tenants_page
from tenant_portal.ui.session_state import SessionState
from tenant_portal.ui.state_store import state_store

http_app = Starlette(
    routes=http_routes.routes, middleware=[Middleware(AsgiGate)], exception_handlers=EXCEPTION_HANDLERS
)
app = rx.App(
    api_transformer=http_app,
    stylesheets=theme.STYLESHEETS,
    head_components=theme.head(),
    html_lang="en",
    toaster=None,
    app_wraps=app_wraps(),
    backend_exception_handler=on_exception,
)
live = Live(app)


def add(route: str, view: Any, title: str, *on_load: Any) -> None:
    """One page; the frame's own data is always loaded first."""
    app.add_page(view, route=route, title=f"{title} · Tenant Portal", on_load=[SessionState.load, *on_load])


add(routes.HOME, home_page, "Home", HomeState.load)
for route, view in ((routes.INBOX, inbox_page), (routes.INBOX_THREAD, thread_page)):
    add(route, view, "Inbox", InboxState.load, DeskState.load, ComposerState.load, TemplateSendState.load)
add(routes.LEADS, leads_page, "Leads", LeadsState.load)
add(routes.LEADS_BOARD, board_page, "Board of leads", BoardState.load)
add(routes.LEADS_DUPLICATES, duplicates_page, "Duplicates", DuplicatesState.load)
add(routes.LEADS_IMPORT, import_page, "Import and export", LeadImportState.load)
add(routes.LEADS_SETUP, setup_page, "Stages and fields", LeadSetupState.load)
add(routes.LEAD, lead_page, "Lead", LeadState.load, ConsentState.load)
add(routes.CHANNELS, channels_page, "Channels", ChannelsState.load)
add(routes.CONNECT, connect_page, "Connect a channel", ChannelsState.load, ConnectState.load)
add(routes.TEMPLATES, templates_page, "WhatsApp templates", TemplatesState.load)
add(routes.VOICE, voice_page, "Voicemail settings", VoiceState.load)
add(routes.CALLS, calls_page, "Calls", CallsState.load)
add(routes.INSIGHT, insight_page, "Insight", InsightState.load)
add(routes.TENANTS, tenants_page, "Tenants", TenantsState.load)
add(routes.TENANT, tenant_page, "Client", TenantDetailState.load)
add(routes.QUARANTINE, quarantine_page, "Quarantine", HeldRequestsState.load)
add(routes.SIMULATOR, check_page, "Two-tenant check", CheckState.load)
add(routes.HANDSET, handset_page, "Handset", HandsetState.load)
add(routes.SETTINGS, settings_page, "Settings", SettingsState.load, NotificationsState.load, QuietHoursState.load)
add(routes.ACTIVITY, activity_page, "Activity", ActivityState.load)
add(routes.REPLIES, replies_page, "Canned replies", RepliesState.load)
add(routes.STAFF_SETTINGS, staff_settings_page, "Settings", SettingsState.load)
app.add_page(signed_out_page, route=routes.SIGNED_OUT, title="Signed out · Tenant Portal")
app.add_page(not_found_page, route=routes.NOT_FOUND, title="Not found · Tenant Portal")
app.add_middleware(EventGate())
app.register_lifespan_task(live.lifespan)
app.register_lifespan_task(state_store.watching, on_loss=live.close_all)
EventFilter(live).install()
surface.describe(app, audience_of)
