"""Everything Twilio says about a message is understood, and kept as it came."""

from typing import Any

import pytest

from tests.cast import Cast
from tests.webhook_client import LEAD, Portal, sid, text_message, whatsapp_message

FILE = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME{}"


async def arrived(portal: Portal) -> dict[str, Any]:
    """The one message, with its lead and its thread."""
    return await portal.row(
        """select m.*, l.address, l.profile_name, l.place, l.source, l.opted_out_at, c.preview, c.unread_count
           from message m join conversation c on c.id = m.conversation_id join lead l on l.id = c.lead_id"""
    )


async def test_a_first_text_message_makes_the_lead(portal: Portal, cast: Cast) -> None:
    form = text_message(cast.acme, FromCity="SAN FRANCISCO", FromState="CA", FromCountry="US", Body="Is it open?")
    answer = await portal.post("sms", cast.acme, form)
    assert answer.headers["content-type"].startswith("text/xml")
    assert "<Response" in answer.text
    assert "<Message" not in answer.text
    got = await arrived(portal)
    assert (got["tenant_id"], got["address"], got["source"]) == (cast.acme.tenant_id, LEAD, "sms")
    assert (got["body"], got["preview"], got["status"]) == ("Is it open?", "Is it open?", "received")
    assert got["place"] == "SAN FRANCISCO, CA, US"
    assert (got["our_number"], got["lead_number"], got["unread_count"]) == (cast.acme.number, LEAD, 1)


async def test_one_lead_has_one_thread_over_all_channels(portal: Portal, cast: Cast) -> None:
    await portal.post("sms", cast.acme, text_message(cast.acme))
    await portal.post("whatsapp", cast.acme, whatsapp_message(cast.acme))
    counts = await portal.counts()
    assert (counts["lead"], counts["conversation"], counts["message"]) == (1, 1, 2)
    thread = await portal.row("select last_channel, unread_count, message_count from conversation")
    assert thread == {"last_channel": "whatsapp", "unread_count": 2, "message_count": 2}
    assert (await portal.row("select source, profile_name from lead")) == {"source": "sms", "profile_name": "Lea Lead"}


async def test_a_later_message_does_not_blank_what_is_known(portal: Portal, cast: Cast) -> None:
    await portal.post("whatsapp", cast.acme, whatsapp_message(cast.acme, FromCity="Rome"))
    await portal.post("sms", cast.acme, text_message(cast.acme))
    lead = await portal.row("select profile_name, place from lead")
    assert lead == {"profile_name": "Lea Lead", "place": "Rome"}


BODIES = [
    "",
    " ",
    "a\r\nb\n",
    "  leading and trailing  ",
    "\U0001f44d\U0001f3fd \u202e x \u200b",
    "x" * 1600,
    "100% + 1&2=3;#",
    "<script>alert(1)</script>",
    "'; drop table message; --",
    "\ufffe\uffff\x01\x1f",
]


async def test_a_body_is_kept_as_it_was_received(portal: Portal, cast: Cast) -> None:
    for body in BODIES:
        await portal.post("sms", cast.acme, text_message(cast.acme, Body=body))
    assert [row["body"] for row in await portal.rows("select body from message order by id")] == BODIES


async def test_a_nul_is_shown_as_a_replacement_character(portal: Portal, cast: Cast) -> None:
    form = whatsapp_message(cast.acme, Body="a\0b", ProfileName="N\0me", ButtonPayload="\0")
    await portal.post("whatsapp", cast.acme, form)
    got = await arrived(portal)
    assert (got["body"], got["profile_name"]) == ("a\ufffdb", "N\ufffdme")
    assert got["details"]["button"]["payload"] == "\ufffd"


async def test_all_ten_files_wait_to_be_fetched(portal: Portal, cast: Cast) -> None:
    files = {f"MediaUrl{n}": FILE.format(n) for n in range(10)} | {
        f"MediaContentType{n}": "image/png" for n in range(10)
    }
    await portal.post("sms", cast.acme, text_message(cast.acme, Body="", NumMedia="10") | files)
    got = await arrived(portal)
    assert (got["media_count"], got["preview"]) == (10, "Picture")
    rows = await portal.rows("select position, source_url, declared_type, state from media order by position")
    assert [row["source_url"] for row in rows] == [FILE.format(n) for n in range(10)]
    assert {(row["declared_type"], row["state"]) for row in rows} == {("image/png", "waiting")}
    (job,) = await portal.rows("select args from jobs.procrastinate_jobs where task_name = 'inbox.fetch_media'")
    assert job["args"] == {"tenant_id": str(cast.acme.tenant_id)}


async def test_a_wrong_count_of_files_loses_none(portal: Portal, cast: Cast) -> None:
    form = text_message(cast.acme, NumMedia="") | {"MediaUrl1": FILE.format(1), "MediaUrl0": FILE.format(0)}
    await portal.post("sms", cast.acme, form)
    assert (await portal.counts())["media"] == 2


async def test_a_location_is_kept(portal: Portal, cast: Cast) -> None:
    place = {"Latitude": "37.7", "Longitude": "-122.4", "Address": "1 Main St", "Label": "Shop"}
    await portal.post("whatsapp", cast.acme, whatsapp_message(cast.acme, Body="", MessageType="location") | place)
    got = await arrived(portal)
    assert got["details"]["location"] == {
        "latitude": 37.7,
        "longitude": -122.4,
        "address": "1 Main St",
        "label": "Shop",
    }
    assert got["preview"] == "Location Shop"


@pytest.mark.parametrize("latitude", ["nan", "inf", "91", "x", "1e400"])
async def test_a_place_that_is_nowhere_does_not_cost_the_message(portal: Portal, cast: Cast, latitude: str) -> None:
    form = whatsapp_message(cast.acme) | {"Latitude": latitude, "Longitude": "0", "Label": "Shop"}
    await portal.post("whatsapp", cast.acme, form)
    assert (await arrived(portal))["details"]["location"] == {"label": "Shop"}


DETAILS: list[tuple[dict[str, str], dict[str, Any]]] = [
    (
        {"ButtonText": "Yes", "ButtonPayload": "yes-1", "ButtonType": "QUICK_REPLY"},
        {"button": {"text": "Yes", "payload": "yes-1", "type": "QUICK_REPLY"}},
    ),
    ({"ListTitle": "Tuesday", "ListId": "day-2"}, {"list": {"title": "Tuesday", "id": "day-2"}}),
    (
        {"OriginalRepliedMessageSid": "SM1", "OriginalRepliedMessageSender": "whatsapp:+1"},
        {"reply_to": "SM1", "reply_to_sender": "whatsapp:+1"},
    ),
    ({"Forwarded": "true", "FrequentlyForwarded": "true"}, {"forwarded": True, "frequently_forwarded": True}),
    ({"Forwarded": "false"}, {}),
    (
        {"ReferralHeadline": "Sale", "ReferralSourceUrl": "https://fb.me/1", "ReferralCtwaClid": "c1"},
        {"referral": {"headline": "Sale", "source_url": "https://fb.me/1", "click_id": "c1"}},
    ),
    ({"ErrorCode": "11200", "ErrorUrl": "https://x"}, {"fallback_error": "11200"}),
    ({"SomethingNew": "1"}, {}),
]


async def test_what_only_some_messages_have_is_kept(portal: Portal, cast: Cast) -> None:
    for extra, _ in DETAILS:
        await portal.post("whatsapp", cast.acme, whatsapp_message(cast.acme, WaId=None) | extra)
    rows = await portal.rows("select details from message order by id")
    assert [row["details"] for row in rows] == [expected for _, expected in DETAILS]


PREVIEWS = [
    ({"ButtonText": "Yes"}, "Yes"),
    ({"ListTitle": "Tuesday"}, "Tuesday"),
    ({"MediaUrl0": FILE, "MediaContentType0": "audio/ogg"}, "Audio"),
    ({"MediaUrl0": FILE, "MediaContentType0": "text/vcard"}, "Contact"),
    ({"MediaUrl0": FILE, "MediaContentType0": "application/pdf"}, "File"),
    ({"MessageType": "contacts"}, "Contact"),
    ({"MessageType": "sticker"}, "Sticker"),
    ({}, "Empty message"),
    ({"Body": "two\nlines"}, "two lines"),
]


@pytest.mark.parametrize("path", ["sms/fallback", "sms"])
async def test_a_message_without_a_text_still_says_what_it_is(portal: Portal, cast: Cast, path: str) -> None:
    for extra, expected in PREVIEWS:
        await portal.post(path, cast.acme, text_message(cast.acme, Body="") | extra)
        assert (await portal.row("select preview from conversation"))["preview"] == expected


STOP = ["STOP", "stop", " Stop. ", "StopAll", "UNSUBSCRIBE", "cancel", "End", "quit!", "REVOKE", "OptOut"]
GO = ["START", "yes", "Unstop"]
NEITHER = ["Please stop by", "HELP", "info", "stop it", "start-up", ""]


async def opted_out(portal: Portal) -> bool:
    return (await portal.row("select opted_out_at from lead"))["opted_out_at"] is not None


async def test_keywords_opt_out_and_in(portal: Portal, cast: Cast) -> None:
    for word in STOP:
        await portal.post("sms", cast.acme, text_message(cast.acme, Body=word))
        assert (word, await opted_out(portal)) == (word, True)
        for other in NEITHER:
            await portal.post("sms", cast.acme, text_message(cast.acme, Body=other))
        assert await opted_out(portal)
        await portal.post("sms", cast.acme, text_message(cast.acme, Body=GO[len(word) % len(GO)]))
        assert (word, await opted_out(portal)) == (word, False)


@pytest.mark.parametrize(
    ("verdict", "body", "expected"),
    [("STOP", "Leave me alone", True), ("HELP", "STOP", False), ("START", "STOP", False), ("stop", "x", True)],
)
async def test_twilios_own_verdict_goes_first(
    portal: Portal, cast: Cast, verdict: str, body: str, expected: bool
) -> None:
    await portal.post("sms", cast.acme, text_message(cast.acme, OptOutType=verdict, Body=body))
    assert await opted_out(portal) is expected


async def test_an_opt_out_at_one_client_is_not_one_at_the_other(portal: Portal, cast: Cast) -> None:
    await portal.post("sms", cast.acme, text_message(cast.acme, Body="STOP"))
    await portal.post("sms", cast.globex, text_message(cast.globex))
    rows = await portal.rows("select tenant_id from lead where opted_out_at is not null")
    assert [row["tenant_id"] for row in rows] == [cast.acme.tenant_id]


SENDERS = [
    ("12345", "12345"),
    ("TWILIO", "TWILIO"),
    ("+442071838750", "+442071838750"),
    ("14155550123", "+14155550123"),
    ("(415) 555-0123", "+14155550123"),
    ("+12", "+12"),
    ("rcs:agent", "rcs:agent"),
]


@pytest.mark.parametrize(("sender", "expected"), SENDERS)
async def test_a_sender_has_one_spelling(portal: Portal, cast: Cast, sender: str, expected: str) -> None:
    await portal.post("sms", cast.acme, text_message(cast.acme, From=sender, FromCountry="US"))
    got = await arrived(portal)
    assert (got["address"], got["lead_number"]) == (expected, sender)


async def test_the_fallback_url_brings_no_second_copy(portal: Portal, cast: Cast) -> None:
    form = text_message(cast.acme)
    await portal.post("sms", cast.acme, form)
    await portal.post("sms/fallback", cast.acme, form | {"ErrorCode": "11200", "ErrorUrl": "https://x"})
    assert (await portal.counts())["message"] == 1


async def test_a_sid_of_media_messages_is_one_like_any_other(portal: Portal, cast: Cast) -> None:
    await portal.post("sms", cast.acme, text_message(cast.acme, MessageSid=sid("MM")))
    assert (await arrived(portal))["provider_sid"].startswith("MM")


async def test_every_hour_counts_its_messages(portal: Portal, cast: Cast) -> None:
    for company in (cast.acme, cast.acme, cast.globex):
        await portal.post("sms", company, text_message(company))
    rows = await portal.rows("select tenant_id, sum(messages_in)::int as n from tenant_hour group by 1")
    assert {row["tenant_id"]: row["n"] for row in rows} == {cast.acme.tenant_id: 2, cast.globex.tenant_id: 1}
