"""Files are fetched with the tenant's credentials from the tenant's own path, and the credentials stop there."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tenant_portal.simulator.handset import Handset
from tenant_portal.twilio_gateway.downloads import require_file_url
from tenant_portal.twilio_gateway.errors import DownloadTooLarge, ForeignUrl, TwilioRefused, TwilioUnavailable
from tenant_portal.twilio_gateway.gateway import OwnedNumber
from tenant_portal.twilio_gateway.http_client import PortalHttpClient
from tenant_portal.twilio_gateway.live import LiveTenantGateway
from tests.twilio.conftest import StandIn, Tenant, xml_voicemail
from tests.twilio.servers import running

SID = "AC" + "a" * 32
BASE = f"https://api.twilio.com/2010-04-01/Accounts/{SID}"
MEDIA = f"{BASE}/Messages/MM{'b' * 32}/Media/ME{'c' * 32}"
RECORDING = f"{BASE}/Recordings/RE{'d' * 32}"


async def picture(tenant: Tenant, number: OwnedNumber, phones: Handset) -> str:
    receipt = await phones.write(tenant.phone, number.phone_number, "Look", pictures=1)
    [media] = await tenant.gateway.list_media(receipt.message_sid)
    assert media.url == tenant.portal.at(tenant.path("sms"))[-1].parameters["MediaUrl0"]
    return media.url


async def test_a_picture_is_fetched_over_a_link_that_sees_no_credentials(
    acme: Tenant, number: OwnedNumber, phones: Handset, stand_in: StandIn
) -> None:
    found = await acme.gateway.download(await picture(acme, number, phones), max_bytes=1_000_000)
    assert found.content.startswith(b"\xff\xd8")
    assert found.content_type == "image/jpeg"
    last = [one for one in stand_in.recorder.exchanges if one.path.startswith("/_cdn/")][-1]
    assert "authorization" not in last.headers


async def test_a_link_is_worthless_after_a_while(stand_in: StandIn, http: PortalHttpClient) -> None:
    assert http.connection.get(f"{stand_in.origin}/_cdn/unknown").status_code == 403


@pytest.mark.parametrize(
    ("ending", "content_type", "start"), [("", "audio/x-wav", b"RIFF"), (".mp3", "audio/mpeg", b"\xff")]
)
async def test_a_recording_is_fetched_as_it_is_wanted(
    acme: Tenant, number: OwnedNumber, phones: Handset, ending: str, content_type: str, start: bytes
) -> None:
    acme.portal.answer(acme.path("voice"), xml_voicemail(acme))
    await phones.call(acme.phone, number.phone_number, wait=True)
    url = acme.portal.at(acme.path("recording"))[0].parameters["RecordingUrl"]
    found = await acme.gateway.download(url + ending, max_bytes=1_000_000)
    assert (found.content_type, found.content[:4].startswith(start)) == (content_type, True)


async def test_a_stranger_gets_no_file(
    acme: Tenant, globex: Tenant, number: OwnedNumber, phones: Handset, http: PortalHttpClient
) -> None:
    url = await picture(acme, number, phones)
    with pytest.raises(ForeignUrl):
        await globex.gateway.download(url, max_bytes=1_000_000)
    crossed = LiveTenantGateway(acme.account.sid, globex.account.auth_token, http)
    with pytest.raises(TwilioRefused) as caught:
        await crossed.download(url, max_bytes=1_000_000)
    assert caught.value.code == 20003


async def test_a_file_that_is_not_there_yet_is_not_found(acme: Tenant) -> None:
    url = RECORDING.replace(SID, acme.account.sid)
    with pytest.raises(TwilioRefused) as caught:
        await acme.gateway.download(url, max_bytes=1)
    assert caught.value.not_found


async def test_reading_stops_at_the_limit(acme: Tenant, number: OwnedNumber, phones: Handset) -> None:
    with pytest.raises(DownloadTooLarge):
        await acme.gateway.download(await picture(acme, number, phones), max_bytes=1000)


@pytest.mark.parametrize("url", [MEDIA, RECORDING, RECORDING + ".mp3", RECORDING + ".wav"])
def test_files_of_the_own_account_are_allowed(url: str) -> None:
    require_file_url(SID, url)


@pytest.mark.parametrize(
    "url",
    [
        MEDIA.replace("api.twilio.com", "evil.example"),
        MEDIA.replace("api.twilio.com", "api.twilio.com.evil.example"),
        MEDIA.replace("api.twilio.com", "api.twilio.com@evil.example"),
        MEDIA.replace("api.twilio.com", "api.twilio.com:8443"),
        MEDIA.replace("api.twilio.com", "127.0.0.1"),
        MEDIA.replace("https://", "http://"),
        MEDIA.replace(SID, "AC" + "f" * 32),
        MEDIA + "/../../../../Keys.json",
        MEDIA + "?x=1",
        MEDIA + "#x",
        MEDIA + "\n",
        MEDIA.upper(),
        f"{BASE}/Messages.json",
        RECORDING + ".json",
        f"{BASE}/../../AC{'f' * 32}/Recordings/RE{'d' * 32}",
        "file:///etc/passwd",
        "",
    ],
)
def test_any_other_url_is_refused_before_a_request(url: str) -> None:
    with pytest.raises(ForeignUrl):
        require_file_url(SID, url)


@pytest.fixture(scope="module")
def wanderer() -> Iterator[str]:
    """A Twilio that sends callers where the last letter of the recording's SID says."""
    targets = {
        "1": "http://127.0.0.1:9/inside",
        "2": "https://localhost/inside",
        "3": "https://169.254.169.254/latest/meta-data",
        "4": "http://mms.twiliocdn.com/plain",
        "5": "https://mms.twiliocdn.com:8443/port",
        "6": "file:///etc/passwd",
    }

    async def wander(request: Request) -> Response:
        last = request.url.path[-1]
        return RedirectResponse(targets.get(last, str(request.url)))

    with running(Starlette(routes=[Route("/{path:path}", wander)])) as origin:
        yield origin


@pytest.mark.parametrize("last", "123456")
async def test_a_redirect_into_a_private_place_is_not_followed(wanderer: str, last: str) -> None:
    http = PortalHttpClient(wanderer)
    with pytest.raises(ForeignUrl):
        await LiveTenantGateway(SID, "token", http).download(RECORDING[:-1] + last, max_bytes=1)
    http.close()


async def test_a_redirect_in_circles_ends(wanderer: str) -> None:
    http = PortalHttpClient(wanderer)
    with pytest.raises(TwilioUnavailable):
        await LiveTenantGateway(SID, "token", http).download(RECORDING, max_bytes=1)
    http.close()
