"""From a channel's row to the words and marks of its card."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tenant_portal.channels import rules
from tenant_portal.channels.queries import ChannelRow
from tenant_portal.models.enums import ChannelKind, ChannelState
from tenant_portal.ui import routes

TITLES = {
    ChannelKind.SMS: "Text messages",
    ChannelKind.WHATSAPP: "WhatsApp",
    ChannelKind.VOICEMAIL: "Voicemail",
}
LABELS = {
    ChannelState.BUYING: ("Buying the number", "info"),
    ChannelState.REGISTERING: ("Registering", "info"),
    ChannelState.VERIFYING: ("Verifying", "info"),
    ChannelState.CONFIGURING: ("Setting up", "info"),
    ChannelState.ACTIVE: ("Connected", "good"),
    ChannelState.FAILED: ("Not working", "bad"),
    ChannelState.DISCONNECTED: ("Disconnecting", "neutral"),
}
STEP_WORDS = {
    ChannelState.BUYING: "Get the number",
    ChannelState.REGISTERING: "Register with WhatsApp",
    ChannelState.VERIFYING: "Confirm the number",
    ChannelState.CONFIGURING: "Set up at Twilio",
    ChannelState.ACTIVE: "Ready",
}
SENDER_WORDS = {
    "CREATING": "WhatsApp is creating the sender. This takes a moment.",
    "PENDING_VERIFICATION": "WhatsApp has sent a code to this number. Enter it here.",
    "VERIFYING": "WhatsApp is checking the code.",
    "TWILIO_REVIEW": "Twilio and Meta are reviewing the registration. This can take a few days.",
}
TEST_LIMIT = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of setting up; `status` is `done`, `now`, `failed` or `todo`."""

    label: str
    status: str


@dataclass(frozen=True, slots=True)
class TestLine:
    """One thing a test looked at."""

    name: str
    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """A channel as the page shows it; times are ISO 8601, empty where there is none."""

    id: str
    kind: str
    title: str
    number: str
    label: str
    tone: str
    problem: str
    hint: str
    last_webhook_at: str
    connected_at: str
    is_settling: bool
    is_active: bool
    can_repeat: bool
    needs_code: bool
    test: str
    test_lines: list[TestLine]
    test_at: str
    steps: list[Step]
    shared_with: str
    can_release: bool
    greeting: str
    plays_file: bool
    voice_href: str


@dataclass(frozen=True, slots=True)
class NumberGroup:
    """A number and the channels on it."""

    number: str
    price: str
    cards: list[Card]


def groups_of(rows: Iterable[ChannelRow], now: datetime) -> list[NumberGroup]:
    """A client's channels by number, the number connected first on top."""
    groups: dict[str, list[ChannelRow]] = {}
    for row in rows:
        groups.setdefault(row.phone_number, []).append(row)
    return [_group(number, listed, now) for number, listed in groups.items()]


def _group(phone_number: str, rows: list[ChannelRow], now: datetime) -> NumberGroup:
    kinds = list(TITLES)
    rows.sort(key=lambda row: (kinds.index(row.kind), row.created_at))
    price = next((row.monthly_price for row in rows if row.monthly_price), "")
    shown = f"{price} a month" if price else ""
    return NumberGroup(rules.display(phone_number), shown, [_card(row, rows, now) for row in rows])


def _card(row: ChannelRow, rows: list[ChannelRow], now: datetime) -> Card:
    label, tone = LABELS[row.state]
    if row.state is ChannelState.ACTIVE and row.last_error:
        label, tone = "Needs attention", "warn"
    others = [TITLES[one.kind] for one in rows if _shares(row, one)]
    settling = row.state not in (ChannelState.ACTIVE, ChannelState.FAILED)
    test, lines = _test(row, now)
    return Card(
        id=str(row.id),
        kind=row.kind.value,
        title=TITLES[row.kind],
        number=rules.display(row.phone_number),
        label=label,
        tone=tone,
        problem=_problem(row),
        hint=SENDER_WORDS.get(row.sender_status or "", "") if row.state is ChannelState.VERIFYING else "",
        last_webhook_at=_iso(row.last_webhook_at),
        connected_at=_iso(row.created_at),
        is_settling=settling,
        is_active=row.state is ChannelState.ACTIVE,
        can_repeat=bool(row.last_error) or row.state is ChannelState.FAILED,
        needs_code=row.state is ChannelState.VERIFYING and row.sender_status == "PENDING_VERIFICATION",
        test=test,
        test_lines=lines,
        test_at=_iso(row.test_passed_at or row.test_started_at),
        steps=_steps(row) if settling or row.state is ChannelState.FAILED else [],
        shared_with=" and ".join(others),
        can_release=not others and not row.config.get("own_number"),
        greeting=str(row.config.get("greeting", "")),
        plays_file="open" in (row.config.get("files") or {}),
        voice_href=routes.voice(row.id),
    )


def _shares(row: ChannelRow, other: ChannelRow) -> bool:
    alive = other.state is not ChannelState.DISCONNECTED
    return other.id != row.id and other.phone_number == row.phone_number and alive


def _problem(row: ChannelRow) -> str:
    if not row.last_error or row.state is ChannelState.FAILED or row.next_attempt_at is None:
        return row.last_error or ""
    again = "" if row.state in (ChannelState.ACTIVE, ChannelState.VERIFYING) else " The portal tries again by itself."
    return row.last_error + again


def _steps(row: ChannelRow) -> list[Step]:
    if row.state is ChannelState.DISCONNECTED:
        return []
    whatsapp = row.kind is ChannelKind.WHATSAPP
    path = [
        state for state in STEP_WORDS if whatsapp or state not in (ChannelState.REGISTERING, ChannelState.VERIFYING)
    ]
    if row.config.get("own_number"):
        path.remove(ChannelState.BUYING)
    facts = rules.Facts(row.kind, row.number_sid, row.sender_sid, row.sender_status, bool(row.config.get("own_number")))
    here = path.index(rules.state_of(facts))
    failed = row.state is ChannelState.FAILED
    return [Step(STEP_WORDS[state], _status(at, here, failed=failed)) for at, state in enumerate(path)]


def _status(at: int, here: int, *, failed: bool) -> str:
    if at == here:
        return "failed" if failed else "now"
    return "done" if at < here else "todo"


def _test(row: ChannelRow, now: datetime) -> tuple[str, list[TestLine]]:
    """`` (never), `running`, `passed`, `failed`; and what was looked at."""
    if row.test_started_at is None:
        return "", []
    if not row.test_report:
        lost = now - row.test_started_at > TEST_LIMIT
        unfinished = TestLine("Test", False, "The test did not finish. Please start it again.")
        return ("failed", [unfinished]) if lost else ("running", [])
    lines = [TestLine(**check) for check in row.test_report.get("checks", ())]
    return ("passed" if row.test_report.get("ok") else "failed"), lines


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
