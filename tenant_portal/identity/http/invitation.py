"""Joining a team."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tenant_portal.db import identity_session
from tenant_portal.errors import BadInput
from tenant_portal.identity import team
from tenant_portal.identity.http import two_step
from tenant_portal.identity.http.forms import device_of, own_form, page, problem


async def invitation_page(request: Request) -> Response:
    """`GET /invitation/{token}`: who invites whom, and the form to join."""
    return await _invitation(request, request.path_params["token"])


async def accept_invitation(request: Request) -> Response:
    """`POST /auth/invitation`: sets name and password and signs in."""
    form = await own_form(request)
    token, name = form.get("token", ""), form.get("name", "")
    try:
        async with identity_session() as session:
            outcome = await team.accept(
                session,
                token,
                name=name,
                password=form.get("password", ""),
                device=device_of(request),
                now=datetime.now(UTC),
            )
    except BadInput as error:
        return await _invitation(request, token, name, error)
    return await two_step.proceed(request, outcome, "/")


async def _invitation(request: Request, token: str, name: str = "", error: BadInput | None = None) -> Response:
    async with identity_session() as session:
        invitation, client = await team.find_invitation(session, token, datetime.now(UTC))
    answers = {"email": invitation.email, "client": client, "name": name[:120], "token": token}
    return page(request, "invitation.html", 422 if error else 200, **answers, **problem(error))


routes: list[BaseRoute] = [
    Route("/invitation/{token:str}", invitation_page, methods=["GET"]),
    Route("/auth/invitation", accept_invitation, methods=["POST"]),
]
