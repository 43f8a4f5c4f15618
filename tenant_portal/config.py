"""Settings: environment variables with the prefix `PORTAL_`, read once, refused with one clear sentence each."""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from email.utils import parseaddr
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tenant_portal.errors import SettingsError

KEY_BYTES = 32
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
SHORTEST_TOKEN = 16
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class Settings(BaseSettings):
    """Everything an operator can set. An empty string means "not set"."""

    model_config = SettingsConfigDict(env_prefix="PORTAL_", frozen=True, extra="ignore")

    host: str = Field("127.0.0.1", description="Address of this machine on which the web server listens.")
    port: int = Field(3000, ge=1, le=65534, description="Port of the web server.")
    public_url: str = Field("", description="Address under which Twilio and browsers reach the portal.")
    data_dir: Path = Field(Path(".portal"), description="Folder of the embedded database, spool, keys and objects.")
    database_url: str = Field("", description="PostgreSQL 15+ for set-up and migration; empty starts an embedded one.")
    database_app_url: str = Field("", description="Login of web and worker; empty derives it from the set-up URL.")
    database_session_url: str = Field("", description="Login past a pooler in transaction mode, for LISTEN and jobs.")
    database_pool_size: int = Field(10, ge=2, le=100, description="Most pooled connections of one process.")
    secret_keys: str = Field("", description="`id:base64,…` of 32 bytes each; the first seals, all open.")
    twilio_base_url: str = Field("", description="Replaces scheme and host of every Twilio URL.")
    twilio_account_sid: str = Field("", pattern=r"^(AC[0-9a-f]{32})?$", description="Parent account; empty simulates.")
    twilio_auth_token: str = Field("", description="Auth token of the parent account.")
    object_store_url: str = Field("", description="`s3://bucket/prefix` or empty for a local folder.")
    redis_url: str = Field("", description="Redis for the session state of several web processes.")
    smtp_url: str = Field("", description="Mail server; empty writes e-mails to a folder of the data folder.")
    mail_from: str = Field("", description="Sender of e-mails, like `Acme Portal <portal@example.com>`.")
    webhook_soft_line: float = Field(100, gt=0, description="Webhooks a second of one client before its jobs slow.")
    webhook_flood_line: float = Field(2000, gt=0, description="Webhooks a second of one client before 429.")
    webhook_failure_line: float = Field(20, gt=0, description="Wrong requests a second of one address before 429.")
    tenant_send_rate: float = Field(100, gt=0, description="Messages a second that one client sends in all.")
    long_code_send_rate: float = Field(1, gt=0, description="Messages a second from one US or Canadian number.")
    undo_send_seconds: float = Field(5, ge=0, le=60, description="How long an answer waits and can be undone.")
    trusted_proxies: str = Field("127.0.0.1", description="Addresses or networks whose X-Forwarded-For is believed.")
    drain_seconds: float = Field(0, ge=0, le=300, description="From SIGTERM until web stops taking requests.")
    secrets_dir: str = Field("", description="Folder with a file for each secret setting, named like its variable.")
    web_workers: int = Field(1, ge=1, le=64, description="Web processes that `run` starts; more than 1 needs Redis.")
    workers: int = Field(1, ge=1, le=64, description="Job workers that `run` starts.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    log_format: Literal["text", "json"] = Field("text", description="Log lines for people, or JSON for machines.")
    metrics_token: str = Field("", description="Bearer token of /metrics; empty: asked from this machine only.")
    metrics_address: str = Field("", description="host:port from which on each process takes one; empty: none.")
    otlp_endpoint: str = Field("", description="OTLP/HTTP receiver of traces, like http://localhost:4318; empty: none.")

    @field_validator("public_url", "twilio_base_url", "otlp_endpoint")
    @classmethod
    def _is_an_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        is_bare = parts.scheme in {"http", "https"} and parts.hostname and not (parts.path.strip("/") or parts.query)
        if value and not is_bare:
            raise ValueError("must be like https://portal.example.com, without a path")
        if parts.username or parts.password:
            raise ValueError("must not hold a user name or password")
        return value.rstrip("/")

    @field_validator("database_url", "database_app_url", "database_session_url")
    @classmethod
    def _is_postgresql(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"postgresql", "postgres"}:
            raise ValueError("must start with postgresql://")
        return value

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("must start with redis://, rediss:// or unix://")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_a_mail_server(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"smtp", "smtps", "smtp+plain"} or not parts.hostname):
            raise ValueError("must be like smtp://user:password@mail.example.com:587 (or smtps://, smtp+plain://)")
        if parts.scheme == "smtp+plain" and parts.password and parts.hostname not in LOOPBACK_HOSTS:
            raise ValueError("must not send a password without TLS: use smtp:// or smtps://")
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_a_sender(cls, value: str) -> str:
        address = parseaddr(value)[1]
        if value and not (value.isprintable() and all(address.partition("@"))):
            raise ValueError("must be like Acme Portal <portal@example.com>")
        return value

    @field_validator("secret_keys")
    @classmethod
    def _are_keys(cls, value: str) -> str:
        if value:
            parse_secret_keys(value)
        return value

    @field_validator("metrics_token")
    @classmethod
    def _is_hard_to_guess(cls, value: str) -> str:
        if value and len(value) < SHORTEST_TOKEN:
            raise ValueError(f"must have at least {SHORTEST_TOKEN} characters")
        return value

    @field_validator("metrics_address")
    @classmethod
    def _is_host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if value and not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError("must be like 127.0.0.1:9464")
        return value

    @model_validator(mode="after")
    def _figures_are_not_for_everybody(self) -> Self:
        host = self.metrics_address.rpartition(":")[0]
        if host and host.strip("[]") not in LOOPBACK_HOSTS and not self.metrics_token:
            raise ValueError("PORTAL_METRICS_ADDRESS needs PORTAL_METRICS_TOKEN where it is not on loopback")
        return self

    @model_validator(mode="after")
    def _the_flood_line_is_the_higher(self) -> Self:
        if self.webhook_flood_line < self.webhook_soft_line:
            raise ValueError("PORTAL_WEBHOOK_FLOOD_LINE must not be below PORTAL_WEBHOOK_SOFT_LINE")
        return self

    @model_validator(mode="after")
    def _twilio_is_live_or_simulated(self) -> Self:
        if bool(self.twilio_account_sid) != bool(self.twilio_auth_token):
            raise ValueError("PORTAL_TWILIO_ACCOUNT_SID and PORTAL_TWILIO_AUTH_TOKEN must be set together")
        return self

    @model_validator(mode="after")
    def _mail_has_a_sender(self) -> Self:
        if self.smtp_url and not self.mail_from:
            raise ValueError("PORTAL_SMTP_URL needs PORTAL_MAIL_FROM, an address that the mail server may send from")
        return self

    @model_validator(mode="after")
    def _web_processes_share_their_state(self) -> Self:
        if self.web_workers > 1 and not self.redis_url:
            raise ValueError("PORTAL_WEB_WORKERS: more than one web process needs PORTAL_REDIS_URL")
        return self

    @cached_property
    def twilio_mode(self) -> Literal["live", "simulated"]:
        """`live` as soon as the parent account's credentials are set; never a mixture."""
        return "live" if self.twilio_account_sid else "simulated"

    @cached_property
    def origin(self) -> str:
        """Scheme, host and port of the portal as browsers and Twilio see them."""
        return self.public_url or f"http://localhost:{self.port}"

    @cached_property
    def twilio_origin(self) -> str:
        """What replaces scheme and host of Twilio's URLs; empty leaves Twilio's own."""
        if self.twilio_base_url or self.twilio_mode == "live":
            return self.twilio_base_url
        return f"http://127.0.0.1:{self.port + 1}"

    @cached_property
    def mail_sender(self) -> str:
        """PORTAL_MAIL_FROM, or a name for the folder that e-mails are written to."""
        return self.mail_from or "Tenant Portal <portal@localhost>"

    @cached_property
    def cookies_are_secure(self) -> bool:
        """Browsers take Secure cookies over https, and from localhost over http."""
        parts = urlsplit(self.origin)
        return parts.scheme == "https" or parts.hostname in LOOPBACK_HOSTS

    @cached_property
    def login_url(self) -> str:
        """PORTAL_DATABASE_APP_URL with the derived password where it names none; empty if it is not set."""
        return self._with_password(self.database_app_url)

    @cached_property
    def session_url(self) -> str:
        """PORTAL_DATABASE_SESSION_URL, likewise."""
        return self._with_password(self.database_session_url)

    def _with_password(self, url: str) -> str:
        parts = urlsplit(url)
        if not parts.username or parts.password is not None:
            return url
        login, _, host = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{login}:{self.login_password}@{host}"))

    @cached_property
    def login_password(self) -> str:
        """Of web and worker; made from the sealing key, so that every host of a portal knows it and none stores it."""
        return hmac.new(next(iter(self.keys.values())), b"password of portal_web", hashlib.sha256).hexdigest()

    @cached_property
    def keys(self) -> dict[str, bytes]:
        """Key id to key, the sealing key first; made once and kept in the data folder where none are set."""
        return parse_secret_keys(self.secret_keys or _kept_secret_keys(self.data_dir / "secret_keys"))


def parse_secret_keys(value: str) -> dict[str, bytes]:
    """`id:base64,…` to a dict in the same order; ValueError says what is wrong without showing a key."""
    keys: dict[str, bytes] = {}
    for part in value.split(","):
        name, colon, encoded = part.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if not (colon and name.isalnum() and len(name) <= 8 and len(key) == KEY_BYTES and name not in keys):
            raise ValueError("must be id:base64,… with unique ids (1-8 letters or digits) and 32-byte keys")
        keys[name] = key
    return keys


def new_secret_key(name: str) -> str:
    """A fresh `id:base64` entry for PORTAL_SECRET_KEYS."""
    return f"{name}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def _kept_secret_keys(path: Path) -> str:
    path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    if not path.exists():
        draft.touch(mode=PRIVATE_FILE)
        draft.write_text(new_secret_key("k1"))
        try:
            # link() fails if another process was first: all processes must end up with the same key.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


@lru_cache
def settings() -> Settings:
    """The settings of this process; SettingsError with one sentence for each wrong one."""
    try:
        return Settings(_secrets_dir=_secrets_folder())
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(item["loc"], item["msg"]) for item in error.errors())) from None


def _secrets_folder() -> str | None:
    folder = os.environ.get("PORTAL_SECRETS_DIR")
    if folder and not os.access(folder, os.R_OK | os.X_OK):
        raise SettingsError(f"PORTAL_SECRETS_DIR: the folder {folder} is not there, or not for this user.")
    return folder or None


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    name = f"PORTAL_{str(location[0]).upper()}: " if location else ""
    return name + message.removeprefix("Value error, ")
