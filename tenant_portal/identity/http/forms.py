"""What all these pages share: who asks, forms that only our own pages may send, answers that hold no script."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tenant_portal.config import settings
from tenant_portal.db import identity_session
from tenant_portal.errors import BadInput, NotFound, PortalError
from tenant_portal.identity import sessions
from tenant_portal.identity.cookies import cookie_name, read_token
from tenant_portal.identity.queries import Person
from tenant_portal.identity.rules import ABSOLUTE
from tenant_portal.identity.sessions import Device

# These pages hold no script at all, so none may run on them.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
CLEAR_STORAGE = {"Clear-Site-Data": '"storage"', "Cache-Control": "no-store"}
THEME_COOKIE, THEMES = "portal_theme", ("light", "dark")
LARGEST_FORM = 16_384
PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates"), autoescape=True, undefined=StrictUndefined
)


class Refused(PortalError):
    """A form post that did not come from a page of ours, or is none."""


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


def enter(response: Response, token: str, request: Request) -> Response:
    """Give the browser this session."""
    response.set_cookie(
        cookie_name(),
        token,
        max_age=int(ABSOLUTE.total_seconds()),
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )
    return response


def enter_at(goal: str, token: str, request: Request) -> Response:
    """Into the portal, with this session."""
    return enter(RedirectResponse(goal, 303, CLEAR_STORAGE), token, request)


def is_secure(request: Request) -> bool:
    """Safari, alone, refuses Secure cookies from http://localhost; over https they are always Secure."""
    agent = request.headers.get("user-agent", "")
    is_safari = "Safari/" in agent and "Chrom" not in agent
    return settings().cookies_are_secure and not (is_safari and settings().origin.startswith("http://"))


def device_of(request: Request) -> Device:
    """Where this request came from."""
    address = request.client.host if request.client else ""
    return Device(address, request.headers.get("user-agent", ""))


def page(request: Request, template: str, status: int, **answers: Any) -> Response:
    """A page of `templates/`."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    html = PAGES.get_template(template).render(answers, theme=chosen if chosen in THEMES else "")
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(html, status, headers)


def problem(error: BadInput | None) -> dict[str, str]:
    """What a template shows of bad input: the sentence, and the field it belongs to."""
    return {"error": error.message, "field": error.field or ""} if error else {"error": "", "field": ""}


def _say(title: str, status: int) -> Any:
    async def answer(request: Request, error: Exception) -> Response:
        message = error.message if isinstance(error, PortalError) else ""
        return page(request, "message.html", status, title=title, message=message)

    return answer


# For the application that mounts the routes: what a person sees when one of them fails.
EXCEPTION_HANDLERS: dict[Any, Any] = {
    Refused: _say("This did not work", 403),
    NotFound: _say("This did not work", 404),
    PortalError: _say("This did not work", 409),
}
