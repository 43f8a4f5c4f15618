"""Every route that Twilio calls is known here, and each refuses what no subaccount signed."""

from itertools import product
from uuid import uuid4

from tenant_portal.front_door.endpoints import ENDPOINTS, Endpoint, open_door
from tenant_portal.webhook_routes import webhook_routes
from tests.cast import Cast
from tests.webhook_client import Portal, sid

ROUTES = {
    "/api/webhooks/sms",
    "/api/webhooks/sms/fallback",
    "/api/webhooks/whatsapp",
    "/api/webhooks/whatsapp/fallback",
    "/api/webhooks/voicemail",
    "/api/webhooks/voicemail/fallback",
    "/api/webhooks/voicemail/status",
    "/api/webhooks/voicemail/greeting",
    "/api/webhooks/voicemail/{message_id}/dialed",
    "/api/webhooks/voicemail/{message_id}/action",
    "/api/webhooks/voicemail/{message_id}/recording",
    "/api/webhooks/voicemail/{message_id}/transcription",
    "/api/webhooks/status/{message_id}",
}


def full_form(account_sid: str, number: str) -> dict[str, str]:
    """A form with whatever any of the routes asks for."""
    return {
        "AccountSid": account_sid,
        "MessageSid": sid("SM"),
        "CallSid": sid("CA"),
        "RecordingSid": sid("RE"),
        "RecordingStatus": "completed",
        "TranscriptionStatus": "completed",
        "MessageStatus": "delivered",
        "CallStatus": "completed",
        "DialCallStatus": "no-answer",
        "From": "+14155550199",
        "To": number,
    }


def test_the_routes_are_these() -> None:
    assert {route.path for route in webhook_routes} == ROUTES


def test_every_route_leads_through_the_front_door() -> None:
    assert all(isinstance(route.app, Endpoint) for route in webhook_routes)
    assert {route.app.kind for route in webhook_routes} == set(ENDPOINTS)


async def test_every_route_refuses_what_is_not_signed(portal: Portal, cast: Cast) -> None:
    before = await portal.counts()
    for path, signature in product(sorted(ROUTES), (None, "", "forged")):
        url = f"{path.replace('{message_id}', str(uuid4()))}?account={cast.acme.account_sid}"
        response = await portal.send(url, full_form(cast.acme.account_sid, cast.acme.number), signature)
        assert (path, response.status_code, response.content) == (path, 403, b"")
    assert await portal.counts() == before
    assert await portal.held() == []


async def test_every_route_refuses_the_other_clients_signature(portal: Portal, cast: Cast) -> None:
    for path in ROUTES:
        short = path.removeprefix("/api/webhooks/").replace("{message_id}", str(uuid4()))
        form = full_form(cast.acme.account_sid, cast.acme.number)
        response = await portal.post(short, cast.acme, form, token=cast.globex.auth_token)
        assert (path, response.status_code) == (path, 403)


async def test_every_route_takes_what_is_signed(portal: Portal, cast: Cast) -> None:
    for path in ROUTES:
        short = path.removeprefix("/api/webhooks/").replace("{message_id}", str(uuid4()))
        response = await portal.post(short, cast.acme, full_form(cast.acme.account_sid, cast.acme.number))
        assert (path, response.status_code in {200, 204}) == (path, True)
        assert response.status_code == 204 or response.headers["content-type"].startswith("text/xml")


async def test_other_paths_lead_nowhere(portal: Portal, cast: Cast) -> None:
    for path in ("sms/", "fax", "voicemail/x/y", "status", "sms//fallback", "../sms"):
        response = await portal.post(path, cast.acme, full_form(cast.acme.account_sid, "+1"))
        assert (path, response.status_code) == (path, 404)


async def test_a_path_id_that_is_no_id_is_not_found(portal: Portal, cast: Cast) -> None:
    form = full_form(cast.acme.account_sid, cast.acme.number)
    assert (await portal.post("status/nonsense", cast.acme, form)).status_code == 404


async def test_before_the_door_opens_twilio_is_asked_to_come_again(portal: Portal, cast: Cast) -> None:
    open_door(None)
    form = full_form(cast.acme.account_sid, cast.acme.number)
    assert (await portal.post("sms", cast.acme, form)).status_code == 503
