"""Every table of the portal. Features use them; none owns one."""

from tenant_portal.models.base import metadata
from tenant_portal.models.channel import Channel
from tenant_portal.models.composer import CannedReply, Draft, PlannedMessage
from tenant_portal.models.consent import Consent
from tenant_portal.models.conversation import Conversation, Media, Message, TextBack, Voicemail
from tenant_portal.models.email import OutgoingEmail
from tenant_portal.models.finding import MessageSearch, SearchSegment
from tenant_portal.models.lead import (
    DistinctLeads,
    Label,
    Lead,
    LeadField,
    LeadLabel,
    LeadMerge,
    LeadNote,
    LeadStage,
    MovedMessage,
)
from tenant_portal.models.lead_erasure import ErasureItem, LeadErasure
from tenant_portal.models.lead_import import LeadImport, LeadImportRow
from tenant_portal.models.message_template import MessageTemplate
from tenant_portal.models.notification import NotificationChoice
from tenant_portal.models.tenant import Subaccount, Tenant
from tenant_portal.models.thread import NoteMention, ThreadEvent, ThreadReading
from tenant_portal.models.throttle import Throttle
from tenant_portal.models.traffic import AuditEvent, QuarantinedRequest, TenantHour, TenantTraffic, WebhookRefusal
from tenant_portal.models.user import Invitation, PasswordReset, SecondFactor, SignInAttempt, User, UserSession

__all__ = [
    "AuditEvent",
    "CannedReply",
    "Channel",
    "Consent",
    "Conversation",
    "DistinctLeads",
    "Draft",
    "ErasureItem",
    "Invitation",
    "Label",
    "Lead",
    "LeadErasure",
    "LeadField",
    "LeadImport",
    "LeadImportRow",
    "LeadLabel",
    "LeadMerge",
    "LeadNote",
    "LeadStage",
    "Media",
    "Message",
    "MessageSearch",
    "MessageTemplate",
    "MovedMessage",
    "NoteMention",
    "NotificationChoice",
    "OutgoingEmail",
    "PasswordReset",
    "PlannedMessage",
    "QuarantinedRequest",
    "SearchSegment",
    "SecondFactor",
    "SignInAttempt",
    "Subaccount",
    "Tenant",
    "TenantHour",
    "TenantTraffic",
    "TextBack",
    "ThreadEvent",
    "ThreadReading",
    "Throttle",
    "User",
    "UserSession",
    "Voicemail",
    "WebhookRefusal",
    "metadata",
]
