"""Settings: each wrong one is refused with a sentence that names it."""

import os
import threading
from pathlib import Path

import pytest

from tenant_portal.config import Settings, new_secret_key, parse_secret_keys, settings
from tenant_portal.errors import SettingsError

SID = "AC" + "a" * 32
pytestmark = pytest.mark.usefixtures("settings_anew")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "80000", "PORTAL_PORT"),
        ("PORT", "many", "PORTAL_PORT"),
        ("PUBLIC_URL", "portal.example.com", "must be like https://portal.example.com"),
        ("PUBLIC_URL", "https://portal.example.com/path", "without a path"),
        ("PUBLIC_URL", "https://me:secret@portal.example.com", "must not hold a user name"),
        ("DATABASE_URL", "mysql://localhost/portal", "must start with postgresql://"),
        ("SECRET_KEYS", "k1:short", "32-byte keys"),
        ("SECRET_KEYS", "k1", "32-byte keys"),
        ("TWILIO_ACCOUNT_SID", "AC123", "PORTAL_TWILIO_ACCOUNT_SID"),
        ("TWILIO_ACCOUNT_SID", SID, "must be set together"),
        ("TWILIO_AUTH_TOKEN", "t", "must be set together"),
        ("LOG_LEVEL", "LOUD", "PORTAL_LOG_LEVEL"),
        ("DATABASE_SESSION_URL", "direct", "must start with postgresql://"),
        ("DATABASE_POOL_SIZE", "1", "PORTAL_DATABASE_POOL_SIZE"),
        ("REDIS_URL", "http://redis", "must start with redis://"),
        ("WEB_WORKERS", "0", "PORTAL_WEB_WORKERS"),
        ("WEB_WORKERS", "2", "PORTAL_WEB_WORKERS: more than one web process needs PORTAL_REDIS_URL"),
        ("WORKERS", "0", "PORTAL_WORKERS"),
        ("SMTP_URL", "mail.example.com", "PORTAL_SMTP_URL: must be like smtp://"),
        ("SMTP_URL", "smtp://mail.example.com", "PORTAL_SMTP_URL needs PORTAL_MAIL_FROM"),
        ("SMTP_URL", "smtp+plain://me:secret@mail.example.com", "must not send a password without TLS"),
        ("MAIL_FROM", "Acme Portal", "PORTAL_MAIL_FROM: must be like"),
        ("MAIL_FROM", "Acme\nBcc: x@y.example <a@b.example>", "PORTAL_MAIL_FROM: must be like"),
    ],
)
def test_a_wrong_setting_is_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str) -> None:
    monkeypatch.setenv(f"PORTAL_{name}", value)
    with pytest.raises(SettingsError) as caught:
        settings()
    assert sentence in caught.value.message
    assert len(caught.value.message.splitlines()) == 1


def test_every_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_PORT", "x")
    monkeypatch.setenv("PORTAL_LOG_LEVEL", "x")
    with pytest.raises(SettingsError, match=r"PORTAL_PORT[\s\S]*PORTAL_LOG_LEVEL"):
        settings()


def test_without_an_account_twilio_is_simulated_on_loopback() -> None:
    chosen = Settings(port=4000)
    assert (chosen.twilio_mode, chosen.twilio_origin) == ("simulated", "http://127.0.0.1:4001")


def test_with_an_account_twilio_is_live_and_at_its_own_hosts() -> None:
    chosen = Settings(twilio_account_sid=SID, twilio_auth_token="t")
    assert (chosen.twilio_mode, chosen.twilio_origin) == ("live", "")


def test_with_redis_there_may_be_several_web_processes() -> None:
    assert Settings(web_workers=3, redis_url="redis://127.0.0.1:6379").web_workers == 3


def test_keys_keep_their_order_and_the_first_seals() -> None:
    assert list(parse_secret_keys(f"{new_secret_key('new')},{new_secret_key('old')}")) == ["new", "old"]


def test_a_key_id_may_not_come_twice() -> None:
    with pytest.raises(ValueError, match="unique ids"):
        parse_secret_keys(f"{new_secret_key('k')},{new_secret_key('k')}")


def test_processes_that_start_at_once_agree_on_one_kept_key(tmp_path: Path) -> None:
    found: list[dict[str, bytes]] = []
    threads = [threading.Thread(target=lambda: found.append(Settings(data_dir=tmp_path).keys)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(keys == found[0] for keys in found)
    assert os.stat(tmp_path / "secret_keys").st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_keys"]


def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "PORTAL_SECRET_KEYS").write_text(f"{new_secret_key('k7')}\n")
    (tmp_path / "portal_database_url").write_text("postgresql://admin@db/portal\n")
    monkeypatch.setenv("PORTAL_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("PORTAL_DATABASE_URL", "postgresql://the-variable-wins/portal")
    assert list(settings().keys) == ["k7"]
    assert settings().database_url == "postgresql://the-variable-wins/portal"


def test_a_missing_folder_of_secrets_stops_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PORTAL_SECRETS_DIR", str(tmp_path / "none"))
    with pytest.raises(SettingsError, match=r"PORTAL_SECRETS_DIR: the folder .*none is not there"):
        settings()


def test_a_login_without_a_password_gets_the_derived_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_DATABASE_APP_URL", "postgresql://portal_web@db:5432/portal?sslmode=require")
    password = settings().login_password
    assert settings().login_url == f"postgresql://portal_web:{password}@db:5432/portal?sslmode=require"
    assert password not in repr(settings())


@pytest.mark.parametrize("url", ["", "postgresql:///portal", "postgresql://portal_web:own@db/portal"])
def test_a_login_with_a_password_or_without_a_name_stays(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PORTAL_DATABASE_APP_URL", url)
    assert settings().login_url == url
