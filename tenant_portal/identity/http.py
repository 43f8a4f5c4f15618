"""Sign-in, sign-out and the invitation page: plain HTML and real form posts, which work without JavaScript."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tenant_portal.config import settings
from tenant_portal.db import identity_session
from tenant_portal.errors import BadInput, NotFound, PortalError
from tenant_portal.identity import passwords, service, sessions, team
from tenant_portal.identity.cookies import cookie_name, read_token
from tenant_portal.identity.queries import Person
from tenant_portal.identity.rules import ABSOLUTE, own_path
from tenant_portal.identity.service import Device

# These pages hold no script at all, so none may run on them.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
CLEAR_STORAGE = {"Clear-Site-Data": '"storage"', "Cache-Control": "no-store"}
THEME_COOKIE, THEMES = "portal_theme", ("light", "dark")
LARGEST_FORM = 16_384
PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)


class Refused(PortalError):
    """A form post that did not come from a page of ours, or is none."""


async def sign_in_page(request: Request) -> Response:
    """`GET /login`: the form, or on to the portal for whoever is signed in."""
    goal = own_path(request.query_params.get("next"))
    if await person_of(request):
        # The storage of this tab may belong to a session that has ended.
        return RedirectResponse(goal, 303, CLEAR_STORAGE)
    return _page(request, "login.html", 200, goal=goal, email="", error="")


async def sign_in(request: Request) -> Response:
    """`POST /auth/login`: always one hash computation and one answer for unknown, wrong and blocked."""
    form = await own_form(request)
    email, password, goal = form.get("email", ""), form.get("password", ""), own_path(form.get("next"))
    device, now = _device(request), datetime.now(UTC)
    async with identity_session() as session:
        who = await service.candidate(session, email, device.address, now)
    is_right = await passwords.is_right(password, who.password_hash)
    try:
        async with identity_session() as session:
            token = await service.settle(session, who, password, device, now) if is_right else ""
    except NotFound:
        token = ""
    if not token:
        return _page(request, "login.html", 401, goal=goal, email=email[:254], error=service.SIGN_IN_REFUSED)
    return _enter(goal, token, request)


async def sign_out(request: Request) -> Response:
    """`POST /auth/logout`: ends the session, on this and every other tab of the browser."""
    await own_form(request)
    if person := await person_of(request):
        async with identity_session() as session:
            await sessions.end(session, person.user_id, person.session_id)
    response = RedirectResponse("/login", 303, CLEAR_STORAGE)
    response.delete_cookie(cookie_name(), path="/", secure=_secure(request), httponly=True, samesite="lax")
    return response


async def invitation_page(request: Request) -> Response:
    """`GET /invitation/{token}`: who invites whom, and the form to join."""
    return await _invitation(request, request.path_params["token"])


async def accept_invitation(request: Request) -> Response:
    """`POST /auth/invitation`: sets name and password and signs in."""
    form = await own_form(request)
    token, name = form.get("token", ""), form.get("name", "")
    try:
        async with identity_session() as session:
            session_token = await team.accept(
                session,
                token,
                name=name,
                password=form.get("password", ""),
                device=_device(request),
                now=datetime.now(UTC),
            )
    except BadInput as error:
        return await _invitation(request, token, name, error)
    return _enter("/", session_token, request)


async def _invitation(request: Request, token: str, name: str = "", error: BadInput | None = None) -> Response:
    async with identity_session() as session:
        invitation, client = await team.find_invitation(session, token, datetime.now(UTC))
    answers = {"email": invitation.email, "client": client, "name": name[:120], "token": token}
    problem = {"error": error.message, "field": error.field or ""} if error else {"error": "", "field": ""}
    return _page(request, "invitation.html", 422 if error else 200, **answers, **problem)


async def person_of(request: Request) -> Person | None:
    """Whoever is signed in by this request's cookie."""
    token = read_token(request.headers.get("cookie", ""))
    if token is None:
        return None
    async with identity_session() as session:
        return await sessions.resume(session, token, datetime.now(UTC))


async def own_form(request: Request) -> Mapping[str, str]:
    """The text fields of a form that one of our own pages sent; Refused for any other (CSRF)."""
    if request.headers.getlist("origin") != [settings().origin]:
        raise Refused(f"This form was not sent by the portal itself. Open {settings().origin} and try again.")
    # Read with a limit before it is parsed: Starlette's own form limits do not bound the whole body.
    size = int(request.headers.get("content-length", "0") or 0)
    if size > LARGEST_FORM or "chunked" in request.headers.get("transfer-encoding", ""):
        raise Refused("This form is too large.")
    async with request.form(max_files=0, max_fields=20) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


def _enter(goal: str, token: str, request: Request) -> Response:
    response = RedirectResponse(goal, 303, CLEAR_STORAGE)
    response.set_cookie(
        cookie_name(),
        token,
        max_age=int(ABSOLUTE.total_seconds()),
        path="/",
        secure=_secure(request),
        httponly=True,
        samesite="lax",
    )
    return response


def _secure(request: Request) -> bool:
    """Safari, alone, refuses Secure cookies from http://localhost; over https they are always Secure."""
    agent = request.headers.get("user-agent", "")
    is_safari = "Safari/" in agent and "Chrom" not in agent
    return settings().cookies_are_secure and not (is_safari and settings().origin.startswith("http://"))


def _device(request: Request) -> Device:
    address = request.client.host if request.client else ""
    return Device(address, request.headers.get("user-agent", ""))


def _page(request: Request, template: str, status: int, **answers: Any) -> Response:
    chosen = request.cookies.get(THEME_COOKIE, "")
    html = PAGES.get_template(template).render(answers, theme=chosen if chosen in THEMES else "")
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(html, status, headers)


def _say(title: str, status: int) -> Any:
    async def answer(request: Request, error: Exception) -> Response:
        message = error.message if isinstance(error, PortalError) else ""
        return _page(request, "message.html", status, title=title, message=message)

    return answer


# For the application that mounts the routes: what a person sees when one of them fails.
EXCEPTION_HANDLERS: dict[Any, Any] = {
    Refused: _say("This did not work", 403),
    NotFound: _say("This did not work", 404),
    PortalError: _say("This did not work", 409),
}
routes: list[BaseRoute] = [
    Route("/login", sign_in_page, methods=["GET"]),
    Route("/auth/login", sign_in, methods=["POST"]),
    Route("/auth/logout", sign_out, methods=["POST"]),
    Route("/invitation/{token:str}", invitation_page, methods=["GET"]),
    Route("/auth/invitation", accept_invitation, methods=["POST"]),
]
