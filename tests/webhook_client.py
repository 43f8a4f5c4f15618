"""Requests as Twilio makes them: real forms, real signatures, against the real application."""

import json
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg
import pytest_asyncio
from psycopg.rows import dict_row

from tenant_portal.config import settings
from tenant_portal.front_door.door import FrontDoor
from tenant_portal.twilio_gateway.signatures import sign
from tenant_portal.webhook_routes import lifespan, webhook_app
from tests.cast import Cast, Company

Pairs = Sequence[tuple[str, str]]
FORM = "application/x-www-form-urlencoded"
LEAD = "+14155550199"
# Every table that holds what a tenant was sent.
TENANT_DATA = ("lead", "conversation", "message", "media", "voicemail", "tenant_hour")


def sid(prefix: str) -> str:
    """A new Twilio id."""
    return prefix + secrets.token_hex(16)


def text_message(company: Company, **changes: str | None) -> dict[str, str]:
    """The form of a plain SMS to this company; a change to None leaves a parameter out."""
    message_sid = sid("SM")
    form: dict[str, str | None] = {
        "ToCountry": "US",
        "SmsMessageSid": message_sid,
        "NumMedia": "0",
        "ToCity": "",
        "SmsSid": message_sid,
        "SmsStatus": "received",
        "Body": "Hello",
        "To": company.number,
        "NumSegments": "1",
        "MessageSid": message_sid,
        "AccountSid": company.account_sid,
        "From": LEAD,
        "ApiVersion": "2010-04-01",
    }
    return {name: value for name, value in (form | changes).items() if value is not None}


def whatsapp_message(company: Company, **changes: str | None) -> dict[str, str]:
    """The form of a WhatsApp message to this company."""
    channel: dict[str, str | None] = {"From": f"whatsapp:{LEAD}", "To": f"whatsapp:{company.number}", "ToCountry": None}
    return text_message(company, **(channel | {"ProfileName": "Lea Lead", "WaId": LEAD[1:]} | changes))


def call(company: Company, **changes: str | None) -> dict[str, str]:
    """The form of a call that has just begun to ring."""
    form: dict[str, str | None] = {
        "CallSid": sid("CA"),
        "AccountSid": company.account_sid,
        "From": LEAD,
        "Caller": LEAD,
        "To": company.number,
        "Called": company.number,
        "CallStatus": "ringing",
        "Direction": "inbound",
        "ApiVersion": "2010-04-01",
    }
    return {name: value for name, value in (form | changes).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Portal:
    """The webhooks of a running portal, and the database behind them as its superuser sees it."""

    http: httpx.AsyncClient
    door: FrontDoor
    admin_url: str

    async def post(
        self, path: str, company: Company, form: dict[str, str] | Pairs, *, token: str | None = None
    ) -> httpx.Response:
        """Send a form as Twilio would; `token` signs it, the company's own unless another is given."""
        url = address(path, company)
        return await self.send(url, form, sign(f"{settings().origin}{url}", _pairs(form), token or company.auth_token))

    async def send(
        self, url: str, form: dict[str, str] | Pairs | bytes, signature: str | None, **headers: str
    ) -> httpx.Response:
        """Send exactly this."""
        body = form if isinstance(form, bytes) else urlencode(list(_pairs(form))).encode()
        signed = {} if signature is None else {"X-Twilio-Signature": signature}
        return await self.http.post(url, content=body, headers={"Content-Type": FORM} | signed | headers)

    async def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """What the database holds, past every wall."""
        async with await psycopg.AsyncConnection.connect(self.admin_url, row_factory=dict_row) as connection:
            return await (await connection.execute(query.encode(), values)).fetchall()

    async def row(self, query: str, *values: Any) -> dict[str, Any]:
        """The one row there is."""
        (found,) = await self.rows(query, *values)
        return found

    async def counts(self) -> dict[str, int]:
        """How many rows each table of tenants' data has."""
        query = " union all ".join(f"select '{table}' as t, count(*) as n from {table}" for table in TENANT_DATA)
        return {row["t"]: row["n"] for row in await self.rows(query)}

    async def refusals(self) -> dict[str, int]:
        """Refusals by reason, written down now."""
        await self.door.report()
        return {
            row["reason"]: row["count"]
            for row in await self.rows("select reason, sum(count)::int as count from webhook_refusal group by 1")
        }

    async def held(self) -> list[dict[str, Any]]:
        """What lies in quarantine."""
        await self.door.report()
        return await self.rows("select * from quarantined_request order by received_at, id")


def address(path: str, company: Company) -> str:
    """Path and query of a webhook of this company."""
    return f"/api/webhooks/{path}?account={company.account_sid}"


def _pairs(form: dict[str, str] | Pairs) -> Pairs:
    return list(form.items()) if isinstance(form, dict) else form


@pytest_asyncio.fixture
async def portal(cast: Cast, admin_url: str) -> AsyncIterator[Portal]:
    """The front door of one process, open, over this test's database."""
    async with lifespan() as door:
        transport = httpx.ASGITransport(webhook_app, client=("203.0.113.7", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.1") as http:
            yield Portal(http, door, admin_url)


def as_json(value: object) -> str:
    """For comparing whole structures."""
    return json.dumps(value, sort_keys=True, default=str)
