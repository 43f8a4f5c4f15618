"""Traces arrive at a receiver that is named, and cost nothing where none is."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from tenant_portal import db, job_queue, tracing
from tenant_portal.config import settings
from tenant_portal.tracing import NOTHING, span
from tests.cast import Cast
from tests.observability.exported import ROOT
from tests.observability.receiver import Receiver, receiving
from tests.simulated_twilio import SimulatedTwilio, addresses, make_client, twilio
from tests.webhook_client import Portal, portal, text_message

__all__ = ["addresses", "portal", "twilio"]
CANARY = "canary-in-a-body"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Where this process's spans go during a test; `tracing.stop()` sends what is left."""
    with receiving() as receiver:
        monkeypatch.setenv("PORTAL_OTLP_ENDPOINT", receiver.endpoint)
        settings.cache_clear()
        tracing.start("web")
        yield receiver
        tracing.stop()
    monkeypatch.undo()
    settings.cache_clear()


async def test_webhooks_are_traced_with_the_commit_they_shared(receiver: Receiver, portal: Portal, cast: Cast) -> None:
    forms = [text_message(cast.acme, Body=CANARY) for _ in range(8)]
    await asyncio.gather(*(portal.post("sms", cast.acme, form) for form in forms))
    await portal.post("sms", cast.acme, text_message(cast.acme), token="0" * 32)
    await asyncio.to_thread(tracing.stop)

    webhooks, commits = receiver.named("webhook"), receiver.named("commit")
    stored = [one for one in webhooks if one.attributes["outcome"] == "stored"]
    assert len(stored) == 8
    assert {(one.service, one.attributes["kind"], one.attributes["tenant_id"]) for one in webhooks} == {
        ("tenant-portal-web", "sms", str(cast.acme.tenant_id))
    }
    assert sum(one.attributes["rows"] for one in commits) == 8
    assert {link for one in stored for link in one.linked_ids} == {one.span_id for one in commits}
    assert all(not one.parent_id for one in commits)
    assert [one.attributes["outcome"] for one in webhooks if not one.linked_ids] == ["refused"]


async def test_nothing_that_somebody_wrote_is_on_the_wire(receiver: Receiver, portal: Portal, cast: Cast) -> None:
    form = text_message(cast.acme, Body=CANARY, ProfileName=CANARY)
    await portal.post("sms", cast.acme, form)
    with pytest.raises(ValueError, match=CANARY), span("job", task="tests.fail"):
        raise ValueError(CANARY)
    await asyncio.to_thread(tracing.stop)
    assert [one.status for one in receiver.named("job")] == ["ValueError"]
    for secret in (CANARY, cast.acme.number, cast.acme.auth_token, cast.acme.account_sid, form["From"], cast.acme.name):
        assert secret.encode() not in receiver.wire


async def test_a_call_to_twilio_is_traced_below_its_job(receiver: Receiver, twilio: SimulatedTwilio) -> None:
    twilio.fail("status", path_contains="/Accounts.json", method="POST", status=500, code=20500, times=1)
    async with job_queue.open_app(job_queue.connector()) as app:
        tenant_id = await make_client()
        async with db.tenant_session(tenant_id) as session:
            await session.execute(text("update subaccount set next_attempt_at = now()"))
            await job_queue.wake(session, "tenants.provision", tenant_id)
        await app.run_worker_async(
            wait=False, install_signal_handlers=False, listen_notify=False, worker_middleware=[job_queue.observed]
        )
    await asyncio.to_thread(tracing.stop)
    (job,) = [one for one in receiver.named("job") if one.attributes["task"] == "tenants.provision"]
    below = [one for one in receiver.named("twilio") if one.parent_id == job.span_id]
    assert job.attributes["tenant_id"] == str(tenant_id)
    assert {one.attributes["operation"] for one in below} <= {"GET Accounts", "POST Accounts"}
    assert below
    (failed,) = [one for one in receiver.named("twilio") if one.attributes["outcome"] != "ok"]
    assert (failed.attributes["outcome"], failed.attributes["status"], failed.attributes["code"]) == (
        "unknown", 500, "20500",
    )  # fmt: skip


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True
    )


def test_without_a_receiver_opentelemetry_is_not_even_imported() -> None:
    done = run(
        "import sys; from tenant_portal import tracing, webhook_routes, worker; tracing.start('worker')\n"
        "with tracing.span('webhook', kind='sms') as one: one.set(outcome='stored')\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    assert done.stdout == "[]\n", done.stderr


def test_a_receiver_without_opentelemetry_is_one_clear_sentence() -> None:
    done = run(
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from tenant_portal import errors, tracing\n"
        "try: tracing.start('web')\n"
        "except errors.SettingsError as error: print(error.message)",
        PORTAL_OTLP_ENDPOINT="http://127.0.0.1:1",
    )
    assert done.stdout == tracing.NEEDED + "\n", done.stderr


def test_a_span_is_nothing_while_nobody_asks() -> None:
    with span("webhook", kind="sms") as one:
        assert one is NOTHING
