"""The test of a channel: is it set up at Twilio, does what is sent arrive, and what exactly arrived?

Two ways, and the report says which was taken. Where the client has a second number for text messages, a real text goes
through Twilio from there (Twilio refuses a number that writes to itself). Otherwise the portal sends itself, over its
public address, exactly what Twilio sends, signed with the subaccount's token; that proves everything but Twilio's own
sending, and what is set at Twilio is compared as well.
"""

import asyncio
import secrets
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from tenant_portal.channels import progress, rules, steps
from tenant_portal.channels.progress import Trial
from tenant_portal.db import announce, tenant_session
from tenant_portal.errors import PortalError
from tenant_portal.models.base import now
from tenant_portal.models.enums import ChannelKind
from tenant_portal.twilio_gateway.clients import tenant_gateway
from tenant_portal.twilio_gateway.gateway import OutgoingMessage, TenantGateway
from tenant_portal.twilio_gateway.signatures import SIGNATURE_HEADER, sign

ANSWER_SECONDS = 15.0
WAIT_SECONDS = 20.0
POLL_SECONDS = 0.25
SENDER = "PORTALTEST"
# Kept by Twilio for trying things out; nobody's number.
WHATSAPP_SENDER = "whatsapp:+15005550006"
Form = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, in a sentence."""

    name: str
    ok: bool
    text: str


async def run_tests(tenant_id: UUID) -> None:
    """Carry out every test of this tenant that waits."""
    async with tenant_session(tenant_id) as session:
        trials = await progress.claim_tests(session, tenant_id)
    for trial in trials:
        await _run(trial)


async def _run(trial: Trial) -> None:
    task = trial.task
    gateway = tenant_gateway(task.credentials.account_sid, task.credentials.auth_token)
    checks = [await _settings_check(trial, gateway), await _send(trial, gateway)]
    arrived = await _wait(trial) if checks[-1].ok else None
    checks.append(_arrival_check(arrived))
    report = {
        "ok": all(check.ok for check in checks),
        "route": "text" if trial.texting_number else "signed",
        "checks": [asdict(check) for check in checks],
        "arrived_at": arrived[0].isoformat() if arrived else None,
        "finished_at": now().isoformat(),
    }
    async with tenant_session(task.tenant_id) as session:
        await progress.finish_test(session, trial, report)
        await announce(session, task.tenant_id)


async def _settings_check(trial: Trial, gateway: TenantGateway) -> Check:
    name = "Twilio's settings"
    try:
        outcome = await steps.watch(trial.task, gateway)
    except PortalError as error:
        return Check(name, False, error.message)
    text = f"Twilio hands what arrives at {rules.display(trial.task.phone_number)} to this portal."
    return Check(name, outcome.problem is None, outcome.problem or text)


async def _send(trial: Trial, gateway: TenantGateway) -> Check:
    try:
        return await (_send_text(trial, gateway) if trial.texting_number else _send_signed(trial))
    except PortalError as error:
        return Check("Sending", False, error.message)


async def _send_text(trial: Trial, gateway: TenantGateway) -> Check:
    from_ = trial.texting_number or ""
    text = f"Test of your connection: {trial.token}"
    await gateway.send_message(OutgoingMessage(to=trial.task.phone_number, from_=from_, body=text))
    return Check("Sending", True, f"A text message was sent through Twilio from your number {rules.display(from_)}.")


async def _send_signed(trial: Trial) -> Check:
    name = "The portal's address"
    task, origin = trial.task, trial.task.origin
    url = rules.webhook_url(origin, task.facts.kind, task.credentials.account_sid).partition("#")[0]
    form = _form(trial)
    headers = {SIGNATURE_HEADER: sign(url, form, task.credentials.auth_token)}
    begun = time.monotonic()
    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
            answer = await client.post(url, data=dict(form), headers=headers)
    except httpx.HTTPError as error:
        return Check(name, False, f"{origin} could not be reached: {type(error).__name__}.")
    took = round((time.monotonic() - begun) * 1000)
    if answer.status_code != httpx.codes.OK or "xml" not in answer.headers.get("content-type", ""):
        return Check(name, False, f"{origin} answered with HTTP status {answer.status_code}.")
    if task.facts.kind is ChannelKind.VOICEMAIL and "<Record" not in answer.text:
        return Check(name, False, "The portal answered the call, but would not have recorded a message.")
    return Check(name, True, f"{origin} took the signed test request in {took} ms, as it takes Twilio's.")


def _form(trial: Trial) -> Form:
    task = trial.task
    both = [("AccountSid", task.credentials.account_sid), ("ApiVersion", "2010-04-01")]
    if task.facts.kind is ChannelKind.VOICEMAIL:
        return [*both, *_call(task.phone_number, trial.token)]
    whatsapp = task.facts.kind is ChannelKind.WHATSAPP
    sid = f"SM{secrets.token_hex(16)}"
    message = [
        ("MessageSid", sid),
        ("SmsSid", sid),
        ("SmsMessageSid", sid),
        ("From", WHATSAPP_SENDER if whatsapp else SENDER),
        ("To", f"whatsapp:{task.phone_number}" if whatsapp else task.phone_number),
        ("Body", f"Test of your connection: {trial.token}"),
        ("NumMedia", "0"),
        ("NumSegments", "1"),
        ("SmsStatus", "received"),
    ]
    return [*both, *message, *([("ProfileName", "Channel test"), ("MessageType", "text")] if whatsapp else [])]


def _call(to: str, token: str) -> Form:
    return [
        ("CallSid", f"CA{secrets.token_hex(16)}"),
        ("From", SENDER),
        ("Caller", SENDER),
        ("To", to),
        ("Called", to),
        ("CallerName", token),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
    ]


async def _wait(trial: Trial) -> tuple[datetime, str] | None:
    end = time.monotonic() + WAIT_SECONDS
    while True:
        async with tenant_session(trial.task.tenant_id) as session:
            arrived = await progress.arrival(session, trial)
        if arrived or time.monotonic() > end:
            return arrived
        await asyncio.sleep(POLL_SECONDS)


def _arrival_check(arrived: tuple[datetime, str] | None) -> Check:
    name = "Arrival"
    if arrived is None:
        return Check(name, False, "The test did not come back to this channel.")
    return Check(name, True, arrived[1])


def describe(report: dict[str, Any] | None) -> list[Check]:
    """The checks of a stored report."""
    return [Check(**check) for check in (report or {}).get("checks", ())]
