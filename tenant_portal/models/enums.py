"""The closed sets of words in the database; stored as text with a CHECK, since enum comparison is not leakproof."""

from enum import StrEnum


class TenantState(StrEnum):
    """`provisioning` until the subaccount exists; `suspended` keeps data and stops traffic; `closed` is final."""

    PROVISIONING = "provisioning"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Role(StrEnum):
    """`staff` belong to the agency and to no tenant."""

    OWNER = "owner"
    AGENT = "agent"
    STAFF = "staff"


class ChannelKind(StrEnum):
    """How a lead reaches a tenant."""

    SMS = "sms"
    WHATSAPP = "whatsapp"
    VOICEMAIL = "voicemail"


class ChannelState(StrEnum):
    """The steps to `active`: buy the number, register and verify the WhatsApp sender, configure webhook URLs."""

    BUYING = "buying"
    REGISTERING = "registering"
    VERIFYING = "verifying"
    CONFIGURING = "configuring"
    ACTIVE = "active"
    FAILED = "failed"
    DISCONNECTED = "disconnected"


class Stage(StrEnum):
    """The stages that every client had before it could have its own; the front door still writes the first of them."""

    NEW = "new"
    CONTACTED = "contacted"
    QUALIFIED = "qualified"
    WON = "won"
    LOST = "lost"


class StageKind(StrEnum):
    """What it means that a lead stands in a stage."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Colour(StrEnum):
    """The colours of stages and labels; each has its shades in light and dark."""

    GRAY = "gray"
    INDIGO = "indigo"
    CYAN = "cyan"
    TEAL = "teal"
    GRASS = "grass"
    AMBER = "amber"
    RED = "red"
    PLUM = "plum"


class FieldKind(StrEnum):
    """What a client's own field of a lead holds."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"


class ImportState(StrEnum):
    """How far a file of leads is; `mapping` and `ready` wait for a person."""

    READING = "reading"
    MAPPING = "mapping"
    CHECKING = "checking"
    READY = "ready"
    APPLYING = "applying"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    FAILED = "failed"


class ErasureKind(StrEnum):
    """What is deleted of an erased person outside the database."""

    MESSAGE = "message"
    RECORDING = "recording"
    CALL = "call"
    FILE = "file"


class Direction(StrEnum):
    """`in` from the lead, `out` to the lead."""

    IN = "in"
    OUT = "out"


class ConversationState(StrEnum):
    """`snoozed` until a time; a new message of the lead opens what is snoozed or closed."""

    OPEN = "open"
    SNOOZED = "snoozed"
    CLOSED = "closed"


class ThreadEventKind(StrEnum):
    """What happened to a thread besides its messages."""

    ASSIGNED = "assigned"
    UNASSIGNED = "unassigned"
    CLOSED = "closed"
    REOPENED = "reopened"
    SNOOZED = "snoozed"
    WOKEN = "woken"
    OPTED_OUT = "opted-out"
    OPTED_IN = "opted-in"


class ConsentKind(StrEnum):
    """What a person said about being written to or called."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"


class ConsentSource(StrEnum):
    """Where it is known from; `twilio` refused a send (21610), `earlier` is from before the history was kept."""

    MESSAGE = "message"
    CALL = "call"
    IMPORT = "import"
    BY_HAND = "by-hand"
    TWILIO = "twilio"
    EARLIER = "earlier"


class MessageStatus(StrEnum):
    """Twilio's message statuses, and `unknown` for a send whose outcome we do not know yet."""

    RECEIVED = "received"
    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELED = "canceled"


class MediaState(StrEnum):
    """`waiting` to be fetched, `stored`, `failed` for now or for good, `refused` by type, size or address."""

    WAITING = "waiting"
    STORED = "stored"
    FAILED = "failed"
    REFUSED = "refused"


class RecordingState(StrEnum):
    """Twilio's recording statuses as far as a voicemail can show them."""

    EXPECTED = "expected"
    COMPLETED = "completed"
    ABSENT = "absent"
    FAILED = "failed"


class TranscriptState(StrEnum):
    """Whether a voicemail's text is there."""

    NONE = "none"
    EXPECTED = "expected"
    COMPLETED = "completed"
    FAILED = "failed"


class TemplateKind(StrEnum):
    """What a message template consists of besides its text."""

    TEXT = "text"
    MEDIA = "media"
    QUICK_REPLY = "quick-reply"
    CALL_TO_ACTION = "call-to-action"


class TemplateState(StrEnum):
    """How far a template has come. From `unsubmitted` on it is WhatsApp's word, `gone` where Twilio has it no more.

    `submitting` and `deleting` wait for a job, `failed` for a person.
    """

    SUBMITTING = "submitting"
    FAILED = "failed"
    DELETING = "deleting"
    UNSUBMITTED = "unsubmitted"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    PAUSED = "paused"
    DISABLED = "disabled"
    GONE = "gone"


class TextBackState(StrEnum):
    """Whether a missed caller gets a text: `waiting` for its time, `sent` into the outbox, or `skipped`."""

    WAITING = "waiting"
    SENT = "sent"
    SKIPPED = "skipped"


class PlannedState(StrEnum):
    """`held` for the seconds in which it can be undone, `scheduled` by a person, or `refused` at its time."""

    HELD = "held"
    SCHEDULED = "scheduled"
    REFUSED = "refused"


class QuarantineState(StrEnum):
    """`held` until staff replay or discard it."""

    HELD = "held"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


class ThrottleReason(StrEnum):
    """Why something waits: our own rate, Twilio's word, too many webhooks, or a job that killed its workers."""

    RATE = "rate"
    TWILIO = "twilio"
    BUSY = "busy"
    GIVEN_UP = "given-up"


class EmailState(StrEnum):
    """`waiting` until the mail server has taken it; `failed` for good."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class Told(StrEnum):
    """Of which threads a person is told; `mine` are their own and those that nobody has taken."""

    ALL = "all"
    MINE = "mine"
    NONE = "none"
