"""In and out."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tenant_portal.db import identity_session
from tenant_portal.errors import NotFound
from tenant_portal.identity import passwords, service, sessions
from tenant_portal.identity.cookies import cookie_name
from tenant_portal.identity.http import two_step
from tenant_portal.identity.http.forms import (
    CLEAR_STORAGE,
    device_of,
    is_secure,
    own_form,
    page,
    person_of,
)
from tenant_portal.identity.rules import own_path


async def sign_in_page(request: Request) -> Response:
    """`GET /login`: the form, or on to the portal for whoever is signed in."""
    goal = own_path(request.query_params.get("next"))
    if await person_of(request):
        # The storage of this tab may belong to a session that has ended.
        return RedirectResponse(goal, 303, CLEAR_STORAGE)
    return page(request, "login.html", 200, goal=goal, email="", error="")


async def sign_in(request: Request) -> Response:
    """`POST /auth/login`: always one hash computation and one answer for unknown, wrong and blocked."""
    form = await own_form(request)
    email, password, goal = form.get("email", ""), form.get("password", ""), own_path(form.get("next"))
    device, now = device_of(request), datetime.now(UTC)
    async with identity_session() as session:
        who = await service.candidate(session, email, device.address, now)
    is_right = await passwords.is_right(password, who.password_hash)
    try:
        async with identity_session() as session:
            token = await service.settle(session, who, password, device, now) if is_right else ""
    except NotFound:
        token = ""
    if not token:
        return page(request, "login.html", 401, goal=goal, email=email[:254], error=service.SIGN_IN_REFUSED)
    return await two_step.proceed(request, token, goal)


async def sign_out(request: Request) -> Response:
    """`POST /auth/logout`: ends the session, on this and every other tab of the browser."""
    await own_form(request)
    if person := await person_of(request):
        async with identity_session() as session:
            await sessions.end(session, person.user_id, person.session_id)
    response = RedirectResponse("/login", 303, CLEAR_STORAGE)
    response.delete_cookie(cookie_name(), path="/", secure=is_secure(request), httponly=True, samesite="lax")
    return response


routes: list[BaseRoute] = [
    Route("/login", sign_in_page, methods=["GET"]),
    Route("/auth/login", sign_in, methods=["POST"]),
    Route("/auth/logout", sign_out, methods=["POST"]),
]
