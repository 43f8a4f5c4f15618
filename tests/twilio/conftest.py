"""A simulated Twilio and a portal on real ports, shared by the whole folder; each test has subaccounts of its own."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import count

import httpx
import hypothesis
import pytest
import pytest_asyncio
from starlette.responses import Response

from tenant_portal.simulator.handset import Handset
from tenant_portal.simulator.stand_in import inventory
from tenant_portal.simulator.stand_in.inventory import Wanted
from tenant_portal.simulator.twilio_server import build
from tenant_portal.twilio_gateway import twiml
from tenant_portal.twilio_gateway.gateway import (
    NumberPurchase,
    NumberUrls,
    OwnedNumber,
    SenderRegistration,
    SenderStatus,
    SenderUrls,
    Subaccount,
    WhatsAppSender,
)
from tenant_portal.twilio_gateway.http_client import PortalHttpClient
from tenant_portal.twilio_gateway.live import LiveParentGateway, LiveTenantGateway
from tests.twilio.openapi import documented
from tests.twilio.servers import FakePortal, Recorder, running, until

# A busy machine is not a fault of the code under test.
hypothesis.settings.register_profile("portal", deadline=None)
hypothesis.settings.load_profile("portal")

PARENT = ("AC" + "0" * 32, "parent-token")
SPEED = 300.0
_names = count()
_phones = count(100)


@dataclass
class StandIn:
    """The running stand-in: its origin and everything the gateways have asked it."""

    origin: str
    recorder: Recorder
    client: httpx.Client

    def asked(self, account_sid: str, part: str = "") -> int:
        return sum(account_sid in one.path and part in one.path for one in self.recorder.exchanges)


@dataclass
class Tenant:
    """A subaccount with its gateway, and URLs of its own at the portal."""

    account: Subaccount
    gateway: LiveTenantGateway
    portal: FakePortal
    phone: str = field(default_factory=lambda: f"+1415555{next(_phones):04d}")

    def path(self, name: str) -> str:
        return f"/{self.account.sid}/{name}"

    def url(self, name: str, fragment: str = "") -> str:
        return self.portal.url(self.path(name), fragment)

    @property
    def urls(self) -> NumberUrls:
        names = {"sms": "sms", "sms_fallback": "sms-fallback", "voice": "voice", "voice_fallback": "voice-fallback"}
        return NumberUrls(call_status=self.url("call"), **{key: self.url(name) for key, name in names.items()})


@pytest.fixture(scope="session")
def portal() -> Iterator[FakePortal]:
    fake = FakePortal()
    with running(fake.app) as fake.origin:
        yield fake


@pytest.fixture(scope="session")
def stand_in(portal: FakePortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    recorder = Recorder(build(tmp_path_factory.mktemp("stand_in"), PARENT, portal.origin, speed=SPEED))
    with running(recorder) as origin, httpx.Client() as client:
        yield StandIn(origin, recorder, client)


@pytest.fixture(scope="session")
def http(stand_in: StandIn) -> Iterator[PortalHttpClient]:
    client = PortalHttpClient(stand_in.origin)
    yield client
    client.close()


@pytest.fixture
def parent(http: PortalHttpClient) -> LiveParentGateway:
    return LiveParentGateway(*PARENT, http)


@pytest_asyncio.fixture
async def phones(stand_in: StandIn) -> AsyncIterator[Handset]:
    async with Handset(stand_in.origin, *PARENT) as handset:
        yield handset


async def new_tenant(parent: LiveParentGateway, http: PortalHttpClient, portal: FakePortal) -> Tenant:
    account = await parent.ensure_subaccount(f"tenant {next(_names)}")
    return Tenant(account, LiveTenantGateway(account.sid, account.auth_token, http), portal)


@pytest_asyncio.fixture
async def acme(parent: LiveParentGateway, http: PortalHttpClient, portal: FakePortal) -> Tenant:
    return await new_tenant(parent, http, portal)


@pytest_asyncio.fixture
async def globex(parent: LiveParentGateway, http: PortalHttpClient, portal: FakePortal) -> Tenant:
    return await new_tenant(parent, http, portal)


_on_sale = (number for number, _ in inventory.on_sale(Wanted("US", "local"), set()))


@pytest_asyncio.fixture
async def number(acme: Tenant) -> OwnedNumber:
    """A number of Acme that is set up for everything."""
    return await acme.gateway.buy_number(NumberPurchase(phone_number=next(_on_sale), urls=acme.urls))


@pytest_asyncio.fixture
async def sender(acme: Tenant, number: OwnedNumber, phones: Handset) -> WhatsAppSender:
    """A WhatsApp sender of Acme that is online."""
    urls = SenderUrls(callback=acme.url("whatsapp"), status_callback=acme.url("whatsapp-status"))
    wanted = SenderRegistration(phone_number=number.phone_number, display_name="Acme Kitchens", urls=urls)
    created = await acme.gateway.create_sender(wanted)
    await in_state(acme, created, SenderStatus.PENDING_VERIFICATION)
    await acme.gateway.verify_sender(created.sid, (await phones.verification_codes())[number.phone_number])
    return await in_state(acme, created, SenderStatus.ONLINE)


async def in_state(tenant: Tenant, sender: WhatsAppSender, status: SenderStatus) -> WhatsAppSender:
    async def reached() -> bool:
        return (await tenant.gateway.fetch_sender(sender.sid)).status is status

    await until(reached)
    return await tenant.gateway.fetch_sender(sender.sid)


@pytest.fixture(autouse=True)
def every_request_is_a_documented_one(request: pytest.FixtureRequest) -> Iterator[None]:
    """Check what the gateway said in this test, and what it was told, against Twilio's OpenAPI files."""
    if "stand_in" not in request.fixturenames:
        yield
        return
    recorder = request.getfixturevalue("stand_in").recorder
    before = len(recorder.exchanges)
    yield
    faults = [fault for one in recorder.exchanges[before:] if one.from_gateway for fault in documented(one)]
    assert faults == []


def xml_voicemail(tenant: Tenant) -> Response:
    """A voicemail greeting whose callbacks go to `action`, `recording` and `transcript` of this tenant."""
    greeting = twiml.voicemail_greeting(
        action_url=tenant.url("action"),
        recording_url=tenant.url("recording"),
        transcription_url=tenant.url("transcript"),
    )
    tenant.portal.answer(tenant.path("action"), Response(twiml.goodbye(), media_type="text/xml"))
    return Response(greeting, media_type="text/xml")
