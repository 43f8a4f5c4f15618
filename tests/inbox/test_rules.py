"""Decisions of the inbox."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import uuid4

import pytest

from tenant_portal.errors import BadInput
from tenant_portal.inbox import rules
from tenant_portal.inbox.rules import Standing
from tenant_portal.models.enums import ChannelKind, MessageStatus

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OPEN = Standing(ChannelKind.SMS, True, True, False, False, True, None)
S = MessageStatus


def standing(**changes: object) -> Standing:
    return Standing(**{name: changes.get(name, getattr(OPEN, name)) for name in OPEN.__slots__})  # type: ignore[arg-type]


def test_a_connected_channel_and_a_willing_lead_are_enough() -> None:
    assert rules.why_not(OPEN, NOW) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"service_is_active": False}, "suspended"),
        ({"is_phone_number": False}, "no phone number"),
        ({"opted_out": True}, "STOP"),
        ({"has_channel": False}, "no connected SMS channel"),
        ({"kind": ChannelKind.WHATSAPP, "has_channel": False}, "no connected WhatsApp channel"),
        ({"kind": ChannelKind.WHATSAPP, "last_whatsapp_at": None}, "24 hours"),
        ({"kind": ChannelKind.WHATSAPP, "last_whatsapp_at": NOW - timedelta(hours=24)}, "24 hours"),
    ],
)
def test_the_reason_why_nothing_can_be_sent_is_a_sentence(changes: dict[str, object], reason: str) -> None:
    assert reason in (rules.why_not(standing(**changes), NOW) or "")


def test_whatsapp_is_open_for_a_day_after_the_leads_message() -> None:
    fresh = NOW - timedelta(hours=23, minutes=59)
    assert rules.why_not(standing(kind=ChannelKind.WHATSAPP, last_whatsapp_at=fresh), NOW) is None


@pytest.mark.parametrize(
    ("last", "connected", "answer"),
    [
        ("sms", {"sms", "whatsapp"}, "sms"),
        ("whatsapp", {"sms"}, "whatsapp"),
        ("voicemail", {"sms", "whatsapp"}, "sms"),
        ("voicemail", {"whatsapp"}, "whatsapp"),
        ("voicemail", set(), "sms"),
        (None, {"sms"}, "sms"),
    ],
)
def test_the_answer_goes_where_the_lead_wrote_and_a_caller_gets_an_sms(
    last: str | None, connected: set[str], answer: str
) -> None:
    kinds = frozenset(ChannelKind(kind) for kind in connected)
    assert rules.reply_kind(ChannelKind(last) if last else None, kinds) is ChannelKind(answer)


def test_every_order_of_statuses_ends_alike() -> None:
    for order in permutations((S.ACCEPTED, S.SENT, S.DELIVERED, S.READ, S.FAILED)):
        status = S.SENDING
        for reported in order:
            status = reported if status in rules.below(reported) else status
        assert status is S.FAILED


@pytest.mark.parametrize("word", ["accepted", "scheduled", "queued", "sending"])
def test_what_twilio_holds_is_accepted_and_never_in_our_outbox_again(word: str) -> None:
    assert rules.from_twilio(word) is S.ACCEPTED


@pytest.mark.parametrize("word", ["", "QUEUED", "teleported", "received"])
def test_an_unknown_word_is_no_status(word: str) -> None:
    assert rules.from_twilio(word) is None


def test_a_body_loses_the_blanks_around_it_and_nothing_else() -> None:
    assert rules.clean_body("  Hi 👋\r\n\r\nyes  \n") == "Hi 👋\n\nyes"


@pytest.mark.parametrize(("body", "sentence"), [("", "Write a message"), (" \n", "Write a"), ("x" * 1601, "has 1601")])
def test_a_body_is_neither_empty_nor_longer_than_twilio_takes(body: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        rules.clean_body(body)


def test_a_preview_is_one_short_line() -> None:
    assert rules.preview_of("a\n\nb  c") == "a b c"
    assert len(rules.preview_of("x" * 1600)) == rules.MAX_PREVIEW


def test_a_file_is_tried_for_a_day_and_then_left_to_a_person() -> None:
    pauses = [pause for n in range(1, 20) if (pause := rules.media_pause(n))]
    assert timedelta(hours=22) < sum(pauses, timedelta()) < timedelta(hours=26)
    assert rules.media_pause(len(pauses) + 1) is None


@pytest.mark.parametrize(
    ("kind", "address"), [(ChannelKind.SMS, "+14155550100"), (ChannelKind.WHATSAPP, "whatsapp:+14155550100")]
)
def test_a_number_is_written_as_its_channel_wants_it(kind: ChannelKind, address: str) -> None:
    assert rules.wire_address(kind, "+14155550100") == address


TEAM = {uuid4(): name for name in ("Alice Archer", "Bob Baker", "Bob Brown", "Åsa Öberg")}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("nobody", []),
        ("@Alice Archer", ["Alice Archer"]),
        ("@alice, please", ["Alice Archer"]),
        ("(@ALICE)", ["Alice Archer"]),
        ("@bob", []),
        ("@Bob Baker and @bob brown", ["Bob Baker", "Bob Brown"]),
        ("@alicesmith", []),
        ("@åsa!", ["Åsa Öberg"]),
        ("@", []),
        ("alice", []),
    ],
)
def test_a_note_names_colleagues_by_whole_or_unmistakable_names(body: str, named: list[str]) -> None:
    assert [TEAM[user_id] for user_id in rules.mentioned(body, TEAM)] == named


def test_a_snooze_ends_at_a_moment_in_the_coming_year() -> None:
    assert rules.snooze_end("2026-11-24T09:00:00+01:00", NOW) == datetime(2026, 11, 24, 8, tzinfo=UTC)
    for until in ("", "2026-11-24", "2026-11-24T09:00:00", NOW.isoformat(), "2028-01-01T00:00:00+00:00", "tomorrow"):
        with pytest.raises(BadInput):
            rules.snooze_end(until, NOW)
