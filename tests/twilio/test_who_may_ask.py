"""Every REST path of the simulated Twilio, asked by everybody who must not be answered.

A portal tested against a Twilio that mixes up accounts would learn nothing about its own walls.
"""

import re
from itertools import product

import httpx
import pytest
from starlette.routing import Route

from tenant_portal.simulator.handset import Handset
from tenant_portal.simulator.twilio_server import API
from tenant_portal.twilio_gateway.gateway import OwnedNumber, WhatsAppSender
from tenant_portal.twilio_gateway.live import LiveParentGateway
from tests.twilio.conftest import PARENT, StandIn, Tenant, xml_voicemail

SIDS = {"message": "MM" + "1" * 32, "recording": "RE" + "1" * 32, "country": "US", "type": "Local"}
CALLS = [
    pytest.param(method, route.path, id=f"{method} {route.path.removeprefix('/2010-04-01')}")
    for route in API
    if isinstance(route, Route)
    for method in sorted((route.methods or set()) - {"HEAD"})
]
OF_AN_ACCOUNT = [call for call in CALLS if "{account}" in str(call.values[1]) and "/" in str(call.values[1])[30:]]
JSON_PATHS = re.compile(r"/v2/")


def path_for(template: str, account_sid: str) -> str:
    names = {**SIDS, "account": account_sid, "sid": "XX" + "1" * 32}
    return re.sub(r"{(\w+)}", lambda found: names[found[1]], template)


def ask(stand_in: StandIn, method: str, path: str, auth: tuple[str, str] | None) -> httpx.Response:
    content = {"json": {}} if JSON_PATHS.match(path) and method == "POST" else {}
    return stand_in.client.request(method, stand_in.origin + path, auth=auth, **content)  # type: ignore[arg-type]


def credentials(tenant: Tenant) -> tuple[str, str]:
    return tenant.account.sid, tenant.account.auth_token


@pytest.mark.parametrize(("method", "template"), CALLS)
async def test_nobody_without_credentials_is_answered(
    acme: Tenant, stand_in: StandIn, method: str, template: str
) -> None:
    path = path_for(template, acme.account.sid)
    for auth in (None, (acme.account.sid, "wrong"), ("", acme.account.auth_token), (PARENT[0], "wrong")):
        answer = ask(stand_in, method, path, auth)
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)


@pytest.mark.parametrize(("method", "template"), OF_AN_ACCOUNT)
async def test_no_account_is_answered_on_the_path_of_another(
    acme: Tenant, globex: Tenant, stand_in: StandIn, method: str, template: str
) -> None:
    for account_sid in (acme.account.sid, PARENT[0], "AC" + "9" * 32):
        answer = ask(stand_in, method, path_for(template, account_sid), credentials(globex))
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)


@pytest.mark.parametrize(("method", "template"), CALLS)
async def test_no_suspended_account_is_answered(
    acme: Tenant, stand_in: StandIn, parent: LiveParentGateway, method: str, template: str
) -> None:
    await parent.suspend_subaccount(acme.account.sid)
    answer = ask(stand_in, method, path_for(template, acme.account.sid), credentials(acme))
    assert answer.json()["code"] == 20003


@pytest.mark.parametrize(("method", "template"), [call for call in OF_AN_ACCOUNT if "{sid}" in str(call.values[1])])
async def test_a_made_up_sid_is_not_found(acme: Tenant, stand_in: StandIn, method: str, template: str) -> None:
    answer = ask(stand_in, method, path_for(template, acme.account.sid), credentials(acme))
    assert (answer.status_code, answer.json()["code"]) in {(404, 20404), (200, None)} or "Transcriptions" in template


async def test_a_strangers_things_look_like_things_that_never_were(
    acme: Tenant, globex: Tenant, number: OwnedNumber, sender: WhatsAppSender, phones: Handset, stand_in: StandIn
) -> None:
    acme.portal.answer(acme.path("voice"), xml_voicemail(acme))
    call = await phones.call(acme.phone, number.phone_number, wait=True)
    written = await phones.write(acme.phone, number.phone_number, pictures=1)
    recording = acme.portal.at(acme.path("recording"))[0].parameters["RecordingSid"]
    transcript = acme.portal.at(acme.path("transcript"))[0].parameters["TranscriptionSid"]
    [media] = await acme.gateway.list_media(written.message_sid)
    base = f"/2010-04-01/Accounts/{globex.account.sid}"
    real = [
        f"{base}/IncomingPhoneNumbers/{number.sid}.json",
        f"{base}/Messages/{written.message_sid}.json",
        f"{base}/Messages/{written.message_sid}/Media/{media.sid}.json",
        f"{base}/Messages/{written.message_sid}/Media/{media.sid}",
        f"{base}/Recordings/{recording}.json",
        f"{base}/Recordings/{recording}",
        f"{base}/Transcriptions/{transcript}.json",
        f"{base}/Calls/{call.sid}.json",
        f"/v2/Channels/Senders/{sender.sid}",
    ]
    for path in real:
        made_up = re.sub(r"[0-9a-f]{32}(?=[^/]*$)", "0" * 32, path)
        seen = [ask(stand_in, "GET", one, credentials(globex)) for one in (path, made_up)]
        assert [one.status_code for one in seen] == [404, 404]
        assert seen[0].text.replace(path, "") == seen[1].text.replace(made_up, "")


LISTS = ("IncomingPhoneNumbers", "Messages", "Calls", "Recordings", "Transcriptions")


async def test_no_list_of_one_account_holds_anything_of_another(
    acme: Tenant, globex: Tenant, number: OwnedNumber, sender: WhatsAppSender, phones: Handset, stand_in: StandIn
) -> None:
    acme.portal.answer(acme.path("voice"), xml_voicemail(acme))
    await phones.call(acme.phone, number.phone_number, wait=True)
    await phones.write(acme.phone, number.phone_number, "Secret of Acme")
    for name, tenant in product(LISTS, (acme, globex)):
        text = ask(stand_in, "GET", f"/2010-04-01/Accounts/{tenant.account.sid}/{name}.json", credentials(tenant)).text
        assert (acme.account.sid in text) == (tenant is acme)
    assert await globex.gateway.list_senders() == []
    assert [one.sid for one in await acme.gateway.list_senders()] == [sender.sid]
