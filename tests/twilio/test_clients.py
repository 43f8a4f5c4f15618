"""Live or simulated, as the settings say, and never something in between."""

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tenant_portal.config import Settings, settings
from tenant_portal.errors import SettingsError
from tenant_portal.simulator.handset import HandsetError, handset
from tenant_portal.twilio_gateway.clients import parent_credentials, parent_gateway, tenant_gateway
from tenant_portal.twilio_gateway.live import LiveTenantGateway
from tenant_portal.twilio_gateway.simulated_account import simulated_parent_credentials, state_folder

LIVE = {"PORTAL_TWILIO_ACCOUNT_SID": "AC" + "1" * 32, "PORTAL_TWILIO_AUTH_TOKEN": "live-token"}


@pytest.fixture(autouse=True)
def fresh_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("PORTAL_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()


def go_live(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LIVE.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()


def origin_of(gateway: object) -> str:
    assert isinstance(gateway, LiveTenantGateway)
    return gateway._http.origin


def test_without_an_account_everything_goes_to_the_simulated_twilio() -> None:
    assert origin_of(tenant_gateway("AC" + "2" * 32, "token")) == "http://127.0.0.1:3001"
    assert parent_gateway().account_sid == simulated_parent_credentials(settings())[0]


def test_with_an_account_everything_goes_to_twilio(monkeypatch: pytest.MonkeyPatch) -> None:
    go_live(monkeypatch)
    assert origin_of(tenant_gateway("AC" + "2" * 32, "token")) == ""
    assert parent_credentials() == ("AC" + "1" * 32, "live-token")


def test_made_up_credentials_never_leave_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_TWILIO_BASE_URL", "https://twilio.example.com")
    settings.cache_clear()
    with pytest.raises(SettingsError):
        tenant_gateway("AC" + "2" * 32, "token")


def test_the_handset_does_not_play_with_a_real_account(monkeypatch: pytest.MonkeyPatch) -> None:
    go_live(monkeypatch)
    with pytest.raises(HandsetError, match="simulated Twilio only"):
        handset()


def test_all_processes_get_the_same_simulated_account(tmp_path: Path) -> None:
    current = Settings(data_dir=tmp_path / "new")
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: simulated_parent_credentials(current), range(32)))
    assert len(found) == 1


def test_nobody_else_may_read_the_simulated_account(tmp_path: Path) -> None:
    current = Settings(data_dir=tmp_path)
    simulated_parent_credentials(current)
    [kept] = state_folder(current).iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
