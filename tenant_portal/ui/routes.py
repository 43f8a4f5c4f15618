"""Addresses of pages and of our own endpoints; no page writes a path by hand."""

from uuid import UUID

HOME = "/"
INBOX = "/inbox"
INBOX_THREAD = "/inbox/[conversation_id]"
CALLS = "/calls"
LEADS = "/leads"
LEADS_BOARD = "/leads/board"
LEADS_DUPLICATES = "/leads/duplicates"
LEADS_IMPORT = "/leads/import"
LEADS_SETUP = "/leads/setup"
LEAD = "/leads/[lead_id]"
INSIGHT = "/insight"
CHANNELS = "/channels"
CONNECT = "/channels/connect"
TEMPLATES = "/channels/templates"
VOICE = "/channels/voicemail/[voice_channel_id]"
SETTINGS = "/settings"
ACTIVITY = "/settings/activity"
REPLIES = "/settings/replies"

# Everything below this prefix is for staff only: ui/gate.py decides by it.
STAFF_PREFIX = "/staff"
TENANTS = "/staff"
TENANT = "/staff/tenants/[staff_tenant_id]"
QUARANTINE = "/staff/quarantine"
SIMULATOR = "/staff/simulator"
HANDSET = "/staff/simulator/handset"
STAFF_SETTINGS = "/staff/settings"

SIGNED_OUT = "/signed-out"
NOT_FOUND = "404"

LOGIN = "/login"
SIGN_IN = "/auth/login"
SIGN_OUT = "/auth/logout"
TWO_STEP = "/auth/two-step"
ACTIVITY_EXPORT = "/export/activity.csv"
INSIGHT_EXPORT = "/export/insight.csv"

LEADS_UPLOAD = "/files/leads/import"
LEADS_EXPORT = "/files/leads/export.csv"


def thread(conversation_id: UUID | str) -> str:
    """Address of one conversation."""
    return f"{INBOX}/{conversation_id}"


def voice(channel_id: UUID | str) -> str:
    """Address of the settings of one channel that answers calls."""
    return f"{CHANNELS}/voicemail/{channel_id}"


def lead(lead_id: UUID | str) -> str:
    """Address of one lead."""
    return f"{LEADS}/{lead_id}"


def lead_data(lead_id: UUID | str) -> str:
    """Address of everything that is kept about one lead."""
    return f"/files/leads/{lead_id}/data.json"


def import_errors(import_id: UUID | str) -> str:
    """Address of the rows of a file that were not taken."""
    return f"{LEADS_UPLOAD}/{import_id}/errors.csv"


def tenant(tenant_id: UUID | str) -> str:
    """Address of one tenant, for staff."""
    return f"{STAFF_PREFIX}/tenants/{tenant_id}"
