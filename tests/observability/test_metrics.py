"""What is counted where it happens, and who may read it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prometheus_client import REGISTRY
from starlette.applications import Starlette

from tenant_portal import health
from tenant_portal.config import settings
from tenant_portal.errors import SettingsError
from tenant_portal.front_door.metrics import HostGauges, told
from tenant_portal.front_door.spool import Spool
from tenant_portal.identity.queries import Person
from tenant_portal.metrics_server import serving
from tenant_portal.models.enums import Role
from tenant_portal.twilio_gateway.http_client import operation_of
from tenant_portal.ui.live import Live, hub
from tests.cast import Cast
from tests.front_door.test_spool import request
from tests.running_portal import free_ports
from tests.webhook_client import Portal, portal, sid, text_message

__all__ = ["portal"]
TOKEN = "a-token-of-sixteen-or-more"


def value(name: str, **labels: str) -> float:
    """What a series shows now; 0 if there is none."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


class Difference:
    """How much a series has grown since."""

    def __init__(self, name: str, **labels: str) -> None:
        self.now: Callable[[], float] = lambda: value(name, **labels)
        self.before = self.now()

    def __call__(self) -> float:
        return self.now() - self.before


async def test_a_stored_webhook_is_counted_with_its_tenants_state(portal: Portal, cast: Cast) -> None:
    counted = Difference("portal_webhooks_total", kind="sms", outcome="stored", tenant_state="active")
    timed, rows = Difference("portal_webhook_seconds_count"), Difference("portal_commit_batch_rows_sum")
    await portal.post("sms", cast.acme, text_message(cast.acme))
    assert (counted(), timed(), rows()) == (1, 1, 1)


async def test_a_forged_webhook_is_counted_with_its_reason(portal: Portal, cast: Cast) -> None:
    counted = Difference("portal_webhooks_total", kind="sms", outcome="refused", tenant_state="active")
    reason = Difference("portal_webhook_refusals_total", reason="signature")
    await portal.post("sms", cast.acme, text_message(cast.acme), token="0" * 32)
    assert (counted(), reason()) == (1, 1)


async def test_what_is_nobodys_is_not_counted_as_the_last_ones(portal: Portal, cast: Cast) -> None:
    await portal.post("sms", cast.acme, text_message(cast.acme))
    counted = Difference("portal_webhooks_total", kind="sms", outcome="refused", tenant_state="unknown")
    stranger = sid("AC")
    form = text_message(cast.acme, AccountSid=stranger)
    await portal.send(f"/api/webhooks/sms?account={stranger}", form, "x")
    await portal.send("/api/webhooks/sms", b"", None)
    assert counted() == 2


async def test_no_tenant_is_a_label_of_the_front_door(portal: Portal, cast: Cast) -> None:
    await portal.post("sms", cast.acme, text_message(cast.acme))
    told = (await figures()).text
    for secret in (str(cast.acme.tenant_id), cast.acme.account_sid, cast.acme.number, cast.acme.name):
        assert secret not in told


async def test_the_spool_tells_its_depth_also_of_a_dead_process(tmp_path: Path) -> None:
    dead = Spool(tmp_path)
    await dead.keep(request(), verified=True)
    size = dead.size
    assert size > 0
    dead.close()
    heir = Spool(tmp_path)
    assert heir.size == 0
    heir.take()
    assert heir.size == size
    heir.close()


def test_the_disk_is_measured_before_its_folder_is_made(tmp_path: Path) -> None:
    assert value("portal_disk_size_bytes") == 0
    with told(HostGauges(tmp_path / "later" / "data", lambda: (7, 1))):
        assert 0 < value("portal_disk_free_bytes") <= value("portal_disk_size_bytes")
        assert (value("portal_spool_bytes"), value("portal_spool_broken_files")) == (7, 1)
    assert REGISTRY.get_sample_value("portal_disk_free_bytes") is None


async def test_only_a_process_with_an_open_front_door_tells_of_its_disk(portal: Portal) -> None:
    assert value("portal_disk_size_bytes") > 0


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        (f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json", "POST Accounts/Messages"),
        (f"/2010-04-01/Accounts/AC{'0' * 32}/AvailablePhoneNumbers/US/TollFree.json",
         "POST Accounts/AvailablePhoneNumbers/TollFree"),
        (f"/2010-04-01/Accounts/AC{'a' * 32}/Messages/SM{'a' * 32}/Media/ME{'f' * 32}", "POST Accounts/Messages/Media"),
        ("/v2/PhoneNumbers/+14155550100", "POST PhoneNumbers"),
        ("/v2/PhoneNumbers/%2B14155550100", "POST PhoneNumbers"),
        (f"/v2/Channels/Senders/XE{'0' * 32}", "POST Channels/Senders"),
        ("/v1/AuthTokens/Promote", "POST AuthTokens/Promote"),
    ],
)  # fmt: skip
def test_an_operation_names_no_account_and_no_number(path: str, operation: str) -> None:
    assert operation_of("POST", path) == operation


async def test_a_poke_is_timed_from_the_notification_on() -> None:
    tenant = uuid4()
    emitted: list[str] = []

    async def emit(*_: Any, to: str) -> None:
        emitted.append(to)

    app: Any = SimpleNamespace(event_namespace=SimpleNamespace(emit=emit))
    live = Live(app)
    hub.enter("socket", Person(uuid4(), tenant, "Alice", "alice@acme.example", Role.OWNER, uuid4()))
    timed = Difference("portal_live_update_seconds_count")
    try:
        assert value("portal_open_sockets", audience="clients") == 1
        await live._receive("portal_live", f"{tenant},{uuid4()}")
    finally:
        hub.leave("socket")
    assert (emitted, timed()) == (["socket"], 1)
    assert value("portal_open_sockets", audience="clients") == 0


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Sets settings of the portal for one test."""

    def configure(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"PORTAL_{name.upper()}", value)
        settings.cache_clear()

    yield configure
    monkeypatch.undo()
    settings.cache_clear()


async def figures(**headers: str) -> httpx.Response:
    """/metrics, asked from this machine."""
    wire = httpx.ASGITransport(Starlette(routes=health.routes), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=wire, base_url="http://portal") as http:
        return await http.get("/metrics", headers=headers)


@pytest.mark.parametrize(
    ("public_url", "token", "authorization", "status"),
    [
        ("http://localhost:3000", "", "", 200),
        ("https://portal.example.com", "", "", 404),  # nginx on this machine may have passed it on
        ("https://portal.example.com", "", "Bearer ", 404),
        ("http://localhost:3000", TOKEN, "", 404),
        ("https://portal.example.com", TOKEN, f"Bearer {TOKEN}", 200),
        ("https://portal.example.com", TOKEN, f"Bearer {TOKEN}x", 404),
        ("https://portal.example.com", TOKEN, TOKEN, 404),
    ],
)
async def test_figures_are_not_for_the_internet(
    configured: Callable[..., None], public_url: str, token: str, authorization: str, status: int
) -> None:
    configured(public_url=public_url, metrics_token=token)
    assert (await figures(Authorization=authorization)).status_code == status


def test_each_process_of_a_host_finds_a_port_of_its_own(configured: Callable[..., None]) -> None:
    port = free_ports()
    configured(metrics_address=f"127.0.0.1:{port}")
    with serving("web"), serving("worker"):
        told = [httpx.get(f"http://127.0.0.1:{number}/metrics").text for number in (port, port + 1)]
    assert all("portal_process_info" in text for text in told)
    with serving("web"):
        assert httpx.get(f"http://127.0.0.1:{port}/metrics").status_code == 200


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"metrics_token": "short"}, "PORTAL_METRICS_TOKEN: must have at least 16 characters"),
        ({"metrics_address": "9464"}, "PORTAL_METRICS_ADDRESS: must be like 127.0.0.1:9464"),
        ({"metrics_address": "0.0.0.0:9464"}, "PORTAL_METRICS_ADDRESS needs PORTAL_METRICS_TOKEN"),
        ({"otlp_endpoint": "collector:4318"}, "PORTAL_OTLP_ENDPOINT: must be like https"),
    ],
)
def test_a_setting_that_would_show_figures_to_all_is_refused(
    configured: Callable[..., None], values: dict[str, str], sentence: str
) -> None:
    configured(**values)
    with pytest.raises(SettingsError) as refused:
        settings()
    assert refused.value.message.startswith(sentence)
    assert "short" not in refused.value.message
