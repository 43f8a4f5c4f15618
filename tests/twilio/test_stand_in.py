"""The simulated Twilio as a server: refusals in Twilio's shape, a memory that lasts, a private API that is private."""

import asyncio
import base64
import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from tenant_portal.simulator import twilio_server
from tenant_portal.simulator.handset import Handset, HandsetError
from tenant_portal.simulator.stand_in import inventory
from tenant_portal.simulator.stand_in.records import Account, Message, OptOut, Sender
from tenant_portal.simulator.stand_in.samples import SOUNDS, seconds
from tenant_portal.simulator.stand_in.store import Store
from tenant_portal.simulator.stand_in.webhooks import overrides_of
from tenant_portal.twilio_gateway.gateway import (
    NumberPurchase,
    NumberSearch,
    NumberUrls,
    OutgoingMessage,
    OwnedNumber,
    SenderStatus,
)
from tenant_portal.twilio_gateway.http_client import PortalHttpClient
from tenant_portal.twilio_gateway.live import LiveParentGateway, LiveTenantGateway
from tests.twilio.conftest import PARENT, SPEED, StandIn, Tenant, xml_voicemail
from tests.twilio.servers import running, until

NOWHERE = "http://127.0.0.1:9"


def ask(
    stand_in: StandIn, method: str, path: str, auth: tuple[str, str] | None = PARENT, **more: object
) -> httpx.Response:
    return stand_in.client.request(method, stand_in.origin + path, auth=auth, **more)  # type: ignore[arg-type]


def path_of(tenant: Tenant, part: str) -> str:
    return f"/2010-04-01/Accounts/{tenant.account.sid}/{part}"


@pytest.mark.parametrize("auth", [None, ("AC" + "9" * 32, "x"), (PARENT[0], "wrong"), ("", "")])
def test_a_refusal_looks_like_twilios(stand_in: StandIn, auth: tuple[str, str] | None) -> None:
    answer = ask(stand_in, "GET", "/2010-04-01/Accounts.json", auth)
    assert answer.status_code == 401
    assert answer.json() == {
        "code": 20003,
        "message": "Authenticate",
        "more_info": "https://www.twilio.com/docs/errors/20003",
        "status": 401,
    }


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic /w==", "Bearer abc"])
def test_strange_credentials_are_refused(stand_in: StandIn, header: str) -> None:
    answer = httpx.get(f"{stand_in.origin}/2010-04-01/Accounts.json", headers={"Authorization": header})
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/", "/2010-04-01/Nothing.json", "/v1/Services"])
def test_an_unknown_path_is_not_found(stand_in: StandIn, path: str) -> None:
    assert ask(stand_in, "GET", path).json()["code"] == 20404


async def test_a_parent_acts_for_its_subaccount(acme: Tenant, stand_in: StandIn) -> None:
    assert ask(stand_in, "GET", path_of(acme, "Messages.json")).json()["messages"] == []


async def test_a_parent_cannot_act_for_a_suspended_subaccount(
    acme: Tenant, stand_in: StandIn, parent: LiveParentGateway
) -> None:
    await parent.suspend_subaccount(acme.account.sid)
    assert ask(stand_in, "GET", path_of(acme, "Messages.json")).json()["code"] == 20005


@pytest.mark.parametrize("query", ["PageSize=0", "PageSize=1001", "PageSize=x", "Page=-1", "DateSent=yesterday"])
async def test_a_list_with_nonsense_is_refused(
    acme: Tenant, number: OwnedNumber, stand_in: StandIn, query: str
) -> None:
    ask(
        stand_in,
        "POST",
        path_of(acme, "Messages.json"),
        data={"To": acme.phone, "From": number.phone_number, "Body": "x"},
    )
    assert ask(stand_in, "GET", path_of(acme, f"Messages.json?{query}")).status_code == 400


@pytest.mark.parametrize(
    ("part", "form"),
    [
        ("IncomingPhoneNumbers.json", {}),
        ("IncomingPhoneNumbers.json", {"AreaCode": "999"}),
        ("IncomingPhoneNumbers.json", {"PhoneNumber": "+14155550103", "SmsUrl": "no url"}),
        ("IncomingPhoneNumbers.json", {"PhoneNumber": "+14155550103", "SmsMethod": "PUT"}),
    ],
)
async def test_a_purchase_with_nonsense_is_refused(
    acme: Tenant, stand_in: StandIn, part: str, form: dict[str, str]
) -> None:
    assert ask(stand_in, "POST", path_of(acme, part), data=form).status_code == 400


async def test_a_number_can_be_bought_by_area_code(acme: Tenant, stand_in: StandIn) -> None:
    answer = ask(stand_in, "POST", path_of(acme, "IncomingPhoneNumbers.json"), data={"AreaCode": "702"})
    assert answer.json()["phone_number"].startswith("+1702")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"profile": 1}', b'{"sender_id": "+1415", "profile": {"name": "x"}}'])
async def test_a_sender_made_of_nonsense_is_refused(acme: Tenant, stand_in: StandIn, body: bytes) -> None:
    auth = (acme.account.sid, acme.account.auth_token)
    headers = {"Content-Type": "application/json"}
    answer = ask(stand_in, "POST", "/v2/Channels/Senders", auth, content=body, headers=headers)
    assert answer.json()["code"] == 63100


def test_senders_are_listed_by_channel_only(stand_in: StandIn) -> None:
    assert ask(stand_in, "GET", "/v2/Channels/Senders").status_code == 400
    assert ask(stand_in, "GET", "/v2/Channels/Senders?Channel=rcs").json()["senders"] == []


async def test_a_second_token_can_be_thrown_away(acme: Tenant, stand_in: StandIn) -> None:
    second = await acme.gateway.create_secondary_token()
    assert ask(stand_in, "DELETE", "/v1/AuthTokens/Secondary", (acme.account.sid, second)).status_code == 204
    assert ask(stand_in, "GET", path_of(acme, "Messages.json"), (acme.account.sid, second)).status_code == 401


async def voicemail(tenant: Tenant, number: OwnedNumber, phones: Handset) -> str:
    """Leave one; returns the SID of its call."""
    tenant.portal.answer(tenant.path("voice"), xml_voicemail(tenant))
    return (await phones.call(tenant.phone, number.phone_number, wait=True)).sid


async def test_calls_recordings_and_transcripts_are_listed(
    acme: Tenant, number: OwnedNumber, phones: Handset, stand_in: StandIn
) -> None:
    call_sid = await voicemail(acme, number, phones)
    [call] = ask(stand_in, "GET", path_of(acme, "Calls.json")).json()["calls"]
    assert (call["sid"], call["direction"], call["status"]) == (call_sid, "inbound", "completed")
    [recording] = ask(stand_in, "GET", path_of(acme, f"Recordings.json?CallSid={call_sid}")).json()["recordings"]
    assert ask(stand_in, "GET", path_of(acme, "Recordings.json?CallSid=CA0")).json()["recordings"] == []
    [transcript] = ask(stand_in, "GET", path_of(acme, "Transcriptions.json")).json()["transcriptions"]
    assert transcript["recording_sid"] == recording["sid"]
    assert ask(stand_in, "GET", path_of(acme, f"Calls/{call_sid}.json")).json() == call


async def test_a_deleted_recording_leaves_no_sound_behind(
    acme: Tenant, number: OwnedNumber, phones: Handset, stand_in: StandIn
) -> None:
    await voicemail(acme, number, phones)
    [recording] = ask(stand_in, "GET", path_of(acme, "Recordings.json")).json()["recordings"]
    path = path_of(acme, f"Recordings/{recording['sid']}")
    assert ask(stand_in, "DELETE", path + ".json").status_code == 204
    assert [ask(stand_in, "GET", path + ending).status_code for ending in ("", ".wav", ".mp3", ".json")] == [404] * 4


async def test_a_sound_that_a_tester_brought_has_no_mp3(
    acme: Tenant, number: OwnedNumber, phones: Handset, stand_in: StandIn
) -> None:
    acme.portal.answer(acme.path("voice"), xml_voicemail(acme))
    wav = base64.b64encode(SOUNDS["kitchen"].wav).decode()
    await phones.call(acme.phone, number.phone_number, speech={"wav_base64": wav, "words": "Hi"}, wait=True)
    [recording] = ask(stand_in, "GET", path_of(acme, "Recordings.json")).json()["recordings"]
    path = path_of(acme, f"Recordings/{recording['sid']}")
    assert [ask(stand_in, "GET", path + ending).status_code for ending in (".wav", ".mp3")] == [200, 404]


async def test_a_call_under_way_cannot_be_deleted(
    acme: Tenant, number: OwnedNumber, phones: Handset, stand_in: StandIn
) -> None:
    await phones.set_speed(0.01)
    acme.portal.answer(acme.path("voice"), xml_voicemail(acme))
    call = await phones.call(acme.phone, number.phone_number)
    assert ask(stand_in, "DELETE", path_of(acme, f"Calls/{call.sid}.json")).json()["code"] == 20009
    await phones.set_speed(SPEED)


@pytest.mark.parametrize("form", [{"Body": "new text"}, {"Status": "canceled"}, {}])
async def test_a_message_can_be_emptied_but_not_rewritten(
    acme: Tenant, number: OwnedNumber, phones: Handset, stand_in: StandIn, form: dict[str, str]
) -> None:
    receipt = await phones.write(acme.phone, number.phone_number, "x")
    answer = ask(stand_in, "POST", path_of(acme, f"Messages/{receipt.message_sid}.json"), data=form)
    assert answer.json()["code"] == 20001


async def test_media_belongs_to_its_message(
    acme: Tenant, number: OwnedNumber, phones: Handset, stand_in: StandIn
) -> None:
    with_picture = await phones.write(acme.phone, number.phone_number, pictures=1)
    without = await phones.write(acme.phone, number.phone_number, "x")
    [media] = await acme.gateway.list_media(with_picture.message_sid)
    found = [
        ask(stand_in, "GET", path_of(acme, f"Messages/{one.message_sid}/Media/{media.sid}.json")).status_code
        for one in (with_picture, without)
    ]
    assert found == [200, 404]


@pytest.mark.parametrize(
    ("query", "count"), [("DateSent<={}", 1), ("DateSent>={}", 1), ("DateSent={}", 1), ("DateSent=2020-01-01", 0)]
)
async def test_messages_are_found_by_day(
    acme: Tenant, number: OwnedNumber, stand_in: StandIn, query: str, count: int
) -> None:
    taken = await acme.gateway.send_message(OutgoingMessage(to=acme.phone, from_=number.phone_number, body="x"))

    async def sent() -> bool:
        return ask(stand_in, "GET", path_of(acme, f"Messages/{taken.sid}.json")).json()["date_sent"] is not None

    await until(sent)
    today = datetime.now(UTC).date().isoformat()
    answer = ask(stand_in, "GET", path_of(acme, "Messages.json?" + query.format(today)))
    assert len(answer.json()["messages"]) == count


async def test_a_page_knows_its_neighbours(acme: Tenant, number: OwnedNumber, stand_in: StandIn) -> None:
    for at in range(3):
        await acme.gateway.send_message(OutgoingMessage(to=acme.phone, from_=number.phone_number, body=str(at)))
    first = ask(stand_in, "GET", path_of(acme, "Messages.json?PageSize=2")).json()
    assert (first["page"], first["start"], first["end"], first["previous_page_uri"]) == (0, 0, 1, None)
    second = ask(stand_in, "GET", first["next_page_uri"]).json()
    assert [message["body"] for message in second["messages"]] == ["0"]
    assert (second["next_page_uri"], second["start"]) == (None, 2)


async def test_an_account_can_be_renamed_by_itself_but_not_reactivated(acme: Tenant, stand_in: StandIn) -> None:
    auth, path = (acme.account.sid, acme.account.auth_token), f"/2010-04-01/Accounts/{acme.account.sid}.json"
    assert ask(stand_in, "POST", path, auth, data={"FriendlyName": "New"}).json()["friendly_name"] == "New"
    assert ask(stand_in, "POST", path, auth, data={"Status": "active"}).status_code == 401
    assert ask(stand_in, "POST", path, data={"Status": "asleep"}).json()["code"] == 20001


def test_a_name_may_not_be_longer_than_twilio_keeps(stand_in: StandIn) -> None:
    answer = ask(stand_in, "POST", "/2010-04-01/Accounts.json", data={"FriendlyName": "x" * 65})
    assert answer.json()["code"] == 20001


@pytest.mark.parametrize("country", ["XX", "ZZ"])
def test_an_unknown_country_has_neither_numbers_nor_prices(stand_in: StandIn, country: str) -> None:
    assert ask(stand_in, "GET", f"/v1/PhoneNumbers/Countries/{country}").status_code == 404


@pytest.mark.parametrize("contains", ["1", "1" * 17])
async def test_a_pattern_has_two_to_sixteen_signs(acme: Tenant, stand_in: StandIn, contains: str) -> None:
    path = path_of(acme, f"AvailablePhoneNumbers/US/Local.json?Contains={contains}")
    assert ask(stand_in, "GET", path).json()["code"] == 20001


async def test_an_unreadable_form_is_refused(acme: Tenant, stand_in: StandIn) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = ask(stand_in, "POST", path_of(acme, "Messages.json"), content=b"Body=%FF", headers=headers)
    assert answer.json()["code"] == 20001


async def test_faults_that_wait_are_listed(stand_in: StandIn, phones: Handset) -> None:
    await phones.add_fault("hang", account_sid="AC" + "7" * 32)
    waiting = ask(stand_in, "GET", "/_simulator/faults").json()
    assert ("hang", "AC" + "7" * 32) in [(fault["kind"], fault["account_sid"]) for fault in waiting]
    await phones.clear_faults()
    assert ask(stand_in, "GET", "/_simulator/faults").json() == []


async def test_many_tenants_write_at_once_and_each_gets_its_own(
    acme: Tenant, globex: Tenant, number: OwnedNumber
) -> None:
    spare = await globex.gateway.search_numbers(NumberSearch(country="CA", area_code=604, limit=1))
    other = await globex.gateway.buy_number(NumberPurchase(phone_number=spare[0].phone_number, urls=globex.urls))

    async def send(tenant: Tenant, from_: OwnedNumber, body: str) -> str:
        message = OutgoingMessage(to=tenant.phone, from_=from_.phone_number, body=body)
        return (await tenant.gateway.send_message(message)).sid

    mine = [send(acme, number, f"acme {at}") for at in range(20)]
    theirs = [send(globex, other, f"globex {at}") for at in range(20)]
    assert len(set(await asyncio.gather(*mine, *theirs))) == 40
    for tenant, name in ((acme, "acme"), (globex, "globex")):
        assert {message.body.split()[0] for message in await tenant.gateway.list_messages()} == {name}


def test_it_says_that_it_is_well(stand_in: StandIn) -> None:
    assert httpx.get(f"{stand_in.origin}/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_handset/numbers"),
        ("POST", "/_handset/messages"),
        ("POST", "/_simulator/faults"),
        ("GET", "/_handset/codes"),
    ],
)
async def test_the_private_api_is_for_the_parents_credentials_only(
    acme: Tenant, stand_in: StandIn, method: str, path: str
) -> None:
    for auth in (None, (acme.account.sid, acme.account.auth_token), (PARENT[0], "wrong")):
        assert ask(stand_in, method, path, auth).status_code == 401


def test_a_form_of_a_foreign_page_does_nothing(stand_in: StandIn) -> None:
    assert (
        ask(stand_in, "POST", "/_handset/messages", content=b"{}", headers={"Content-Type": "text/plain"}).status_code
        == 415
    )


@pytest.mark.parametrize("files", [(("image/png", "not base64!"),)])
async def test_a_broken_file_is_refused(
    acme: Tenant, number: OwnedNumber, phones: Handset, files: tuple[tuple[str, str], ...]
) -> None:
    with pytest.raises(HandsetError, match="not base64"):
        await phones.write(acme.phone, number.phone_number, files=files)


async def test_a_handset_without_a_simulated_twilio_says_so() -> None:
    async with Handset(NOWHERE, *PARENT) as phones:
        with pytest.raises(HandsetError, match="does not answer"):
            await phones.lines()


@pytest.mark.parametrize("ask_for", [lambda one: one.media("ME1"), lambda one: one.fetch_call("CA1")])
async def test_the_handset_says_what_is_unknown(phones: Handset, ask_for: Callable[[Handset], object]) -> None:
    with pytest.raises(HandsetError) as caught:
        await ask_for(phones)  # type: ignore[misc]
    assert caught.value.status == 404


async def test_the_handset_lists_lines_and_phones(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    await phones.write(acme.phone, number.phone_number, "x")
    [line] = [one for one in await phones.lines() if one.phone_number == number.phone_number]
    assert (line.account_sid, line.sms, line.voice, line.whatsapp) == (acme.account.sid, True, True, False)
    assert (await phones.phones())[0].phone_number == acme.phone


async def test_the_handset_knows_sounds_and_special_phones(phones: Handset) -> None:
    choices = await phones.choices()
    assert {sound.name for sound in choices.sounds} == set(SOUNDS)
    assert {phone.code for phone in choices.unreachable} >= {30003, 30007, 63024}


def test_each_sound_ships_in_both_forms() -> None:
    for sound in SOUNDS.values():
        assert 2 < seconds(sound.wav) < 60
        assert sound.mp3
        assert len(sound.words) > 20


@pytest.mark.parametrize(
    ("fragment", "repeats", "causes", "total"),
    [
        ("", 1, {"ct"}, 15.0),
        ("#rc=3&rp=5xx,ct,rt", 3, {"5xx", "ct", "rt"}, 15.0),
        ("#rc=9&tt=50", 5, {"ct"}, 0.1),
        ("#rc=x&rp=all", 1, {"all"}, 15.0),
    ],
)
def test_a_fragment_changes_how_long_and_how_often(fragment: str, repeats: int, causes: set[str], total: float) -> None:
    found = overrides_of("https://portal.example.com/x" + fragment)
    assert (found.repeats, found.on, found.total_seconds) == (repeats, causes, total)


def test_numbers_on_sale_are_unique_and_in_their_range() -> None:
    numbers = [number for block in inventory.RANGES for number in block.numbers()]
    assert len(numbers) == len(set(numbers))
    assert all(inventory.range_of(number) for number in numbers)


def test_everything_on_sale_has_a_price() -> None:
    assert {(one.country, one.number_type) for one in inventory.RANGES} == {
        (country, kind) for country, kinds in inventory.PRICES.items() for kind in kinds
    }


@pytest.fixture
def restart(tmp_path: Path) -> Callable[[], Starlette]:
    """The same simulated Twilio each time it is called, started anew."""
    return lambda: twilio_server.build(tmp_path, PARENT, NOWHERE, speed=300)


async def test_everything_survives_a_restart(restart: Callable[[], Starlette]) -> None:
    with running(restart()) as origin:
        http = PortalHttpClient(origin)
        account = await LiveParentGateway(*PARENT, http).ensure_subaccount("Lasting")
        tenant = LiveTenantGateway(account.sid, account.auth_token, http)
        number = await tenant.buy_number(NumberPurchase(phone_number="+14155550103", urls=NumberUrls()))
        await tenant.send_message(OutgoingMessage(to="+14155550188", from_=number.phone_number, body="Hello"))
        http.close()
    with running(restart()) as origin:
        http = PortalHttpClient(origin)
        tenant = LiveTenantGateway(account.sid, account.auth_token, http)
        assert await tenant.list_numbers() == [number]

        async def delivered() -> bool:
            return (await tenant.list_messages())[0].status == "delivered"

        await until(delivered)
        http.close()


async def test_a_registration_goes_on_after_a_restart(tmp_path: Path, restart: Callable[[], Starlette]) -> None:
    store = Store(tmp_path)
    store.put(
        Account(sid=PARENT[0], account_sid=PARENT[0], friendly_name="A", auth_token=PARENT[1], owner_sid=PARENT[0])
    )
    sender = store.put(Sender(sid="XE" + "1" * 32, account_sid=PARENT[0], phone_number="+14155550103", code="1"))
    store.close()
    with running(restart()) as origin:
        http = PortalHttpClient(origin)
        gateway = LiveTenantGateway(*PARENT, http)

        async def waits() -> bool:
            return (await gateway.fetch_sender(sender.sid)).status is SenderStatus.PENDING_VERIFICATION

        await until(waits)
        http.close()


def opt_out(sid: str) -> OptOut:
    return OptOut(sid=sid, account_sid="AC1", number="1", phone="2")


def test_a_journal_is_replayed_in_order(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(opt_out("a"))
    store.change(store.put(opt_out("b")), phone="3")
    store.delete(opt_out("a"))
    store.close()
    again = Store(tmp_path)
    assert [one.phone for one in again.all(OptOut)] == ["3"]
    again.close()


def test_half_a_line_at_the_end_is_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(opt_out("a"))
    store.close()
    journal = tmp_path / "journal.jsonl"
    journal.write_text(journal.read_text() + '{"put":"OptOut","rec')
    again = Store(tmp_path)
    assert len(again.all(OptOut)) == 1
    again.put(opt_out("b"))
    again.close()
    assert [json.loads(line)["record"]["sid"] for line in journal.read_text().splitlines()] == ["a", "b"]


def test_a_journal_is_compacted_at_start_and_private(tmp_path: Path) -> None:
    store = Store(tmp_path)
    record = store.put(opt_out("a"))
    for at in range(20):
        record = store.change(record, phone=str(at))
    store.close()
    Store(tmp_path).close()
    journal = tmp_path / "journal.jsonl"
    assert len(journal.read_text().splitlines()) == 1
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600


def test_text_of_any_kind_survives_the_journal(tmp_path: Path) -> None:
    body = 'line\nbreak\u2028\u0085 "quoted" 👋 \\n'
    store = Store(tmp_path)
    store.put(
        Message(sid="SM1", account_sid="AC1", direction="inbound", from_="1", to="2", body=body, status="received")
    )
    store.close()
    again = Store(tmp_path)
    assert [one.body for one in again.all(Message)] == [body]
    again.close()


def test_an_account_sees_its_own_records_only(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(opt_out("a"))
    assert store.get(OptOut, "AC1", "a") is not None
    assert store.get(OptOut, "AC2", "a") is None
    store.close()
