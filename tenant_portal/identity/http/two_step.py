"""Two-step sign-in: the code after the password, setting it up, recovery codes, turning it off.

Plain pages and not a part of the settings page, so that neither secret nor recovery codes are ever in a page's state,
and since whoever must set it up first has no session yet.
"""

from datetime import UTC, datetime

import pyotp
import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tenant_portal.db import identity_session
from tenant_portal.errors import BadInput, NotFound
from tenant_portal.identity import attempts, passwords, second_factor, service
from tenant_portal.identity.http.forms import (
    CLEAR_STORAGE,
    device_of,
    enter,
    enter_at,
    own_form,
    page,
    person_of,
    problem,
)
from tenant_portal.identity.queries import Person, needs_second_step, without_session
from tenant_portal.identity.rules import own_path
from tenant_portal.identity.second_factor import SecondStep

ISSUER = "Tenant Portal"
SIGN_IN = "/login"
WRONG_CODE = (
    "This code is wrong or was used already, or there were too many tries. Wait a little, then take the one that your"
    " app shows."
)
WRONG_PASSWORD = "This is not your password, or there were too many tries. Wait a little, then try again."  # noqa: S105


async def proceed(request: Request, outcome: str | SecondStep, goal: str) -> Response:
    """After the password: into the portal, or to what is asked before there is a session."""
    if isinstance(outcome, str):
        return enter_at(goal, outcome, request)
    if not outcome.is_new:
        return _ask_code(request, outcome.note, goal)
    async with identity_session() as session:
        person = without_session(await second_factor.whose(session, outcome.note, datetime.now(UTC)))
        secret = await second_factor.begin(session, person)
    return _set_up(request, person, secret, goal, note=outcome.note)


async def enter_code(request: Request) -> Response:
    """`POST /auth/two-step`: the code after the password; only now there is a session."""
    form = await own_form(request)
    note, goal = form.get("note", ""), own_path(form.get("next"))
    try:
        async with identity_session() as session:
            token = await second_factor.enter(
                session, note, form.get("code", ""), device_of(request), datetime.now(UTC)
            )
    except NotFound as error:
        return page(request, "login.html", 401, goal=goal, email="", error=error.message)
    return enter_at(goal, token, request) if token else _ask_code(request, note, goal, WRONG_CODE)


async def own_page(request: Request) -> Response:
    """`GET /auth/two-step`: how it stands with the signed-in person; setting it up, where it is off."""
    person = await person_of(request)
    if person is None:
        return RedirectResponse(SIGN_IN, 303)
    return await _own(request, person)


async def turn_on(request: Request) -> Response:
    """`POST /auth/two-step/on`: a first code of the app, and the password again where there is a session already."""
    form, now = await own_form(request), datetime.now(UTC)
    note, goal = form.get("note", ""), own_path(form.get("next"))
    try:
        person = await _who(request, note, now)
    except NotFound as error:
        return page(request, "login.html", 401, goal=goal, email="", error=error.message)
    try:
        if not note and not await _is_own_password(request, person, form.get("password", "")):
            raise BadInput(WRONG_PASSWORD, field="password")
        async with identity_session() as session:
            codes = await second_factor.confirm(session, person, form.get("code", ""), now)
            token = await second_factor.begin_session(session, note, device_of(request), now) if note else ""
    except BadInput as error:
        async with identity_session() as session:
            secret = await second_factor.pending_secret(session, person)
        return _set_up(request, person, secret, goal, note=note, error=error)
    answer = _show_codes(request, codes, goal if note else _settings(person))
    if token:
        answer.headers.update(CLEAR_STORAGE)
        enter(answer, token, request)
    return answer


async def renew_codes(request: Request) -> Response:
    """`POST /auth/two-step/codes`: ten new recovery codes, after the password."""
    form, person = await own_form(request), await person_of(request)
    if person is None:
        return RedirectResponse(SIGN_IN, 303)
    if not await _is_own_password(request, person, form.get("password", "")):
        return await _own(request, person, BadInput(WRONG_PASSWORD, field="codes"))
    async with identity_session() as session:
        codes = await second_factor.renew_codes(session, person)
    return _show_codes(request, codes, _settings(person))


async def turn_off(request: Request) -> Response:
    """`POST /auth/two-step/off`: back to the password alone, after the password."""
    form, person = await own_form(request), await person_of(request)
    if person is None:
        return RedirectResponse(SIGN_IN, 303)
    if not await _is_own_password(request, person, form.get("password", "")):
        return await _own(request, person, BadInput(WRONG_PASSWORD, field="off"))
    async with identity_session() as session:
        await second_factor.turn_off(session, person)
    return RedirectResponse(_settings(person), 303)


async def _own(request: Request, person: Person, error: BadInput | None = None) -> Response:
    async with identity_session() as session:
        status = await second_factor.status(session, person.user_id)
        if not status.is_on:
            secret = await second_factor.begin(session, person)
            return _set_up(request, person, secret, _settings(person))
        is_required = person.tenant_id is not None and await needs_second_step(session, person.tenant_id)
    answers = {"left": status.codes_left, "is_required": is_required, "back": _settings(person), "email": person.email}
    return page(request, "two_step_on.html", 422 if error else 200, **answers, **problem(error))


def _ask_code(request: Request, note: str, goal: str, error: str = "") -> Response:
    return page(request, "two_step_code.html", 401 if error else 200, note=note, goal=goal, error=error)


def _set_up(
    request: Request, person: Person, secret: str, goal: str, *, note: str = "", error: BadInput | None = None
) -> Response:
    address = pyotp.TOTP(secret).provisioning_uri(name=person.email, issuer_name=ISSUER)
    picture = segno.make(address, error="m", micro=False).svg_inline(border=1, omitsize=True)
    key = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    # Markup: the library's own drawing, which holds nothing but a path.
    answers = {"picture": Markup(picture), "key": key, "email": person.email, "goal": goal, "note": note}  # noqa: S704
    return page(request, "two_step_set_up.html", 422 if error else 200, **answers, **problem(error))


def _show_codes(request: Request, codes: tuple[str, ...], goal: str) -> Response:
    return page(request, "two_step_codes.html", 200, codes=codes, goal=goal)


async def _who(request: Request, note: str, now: datetime) -> Person:
    """Whoever has typed the password just now, or is signed in; NotFound for nobody."""
    if note:
        async with identity_session() as session:
            return without_session(await second_factor.whose(session, note, now))
    person = await person_of(request)
    if person is None:
        raise NotFound(second_factor.TOO_LATE)
    return person


async def _is_own_password(request: Request, person: Person, password: str) -> bool:
    """Whether the signed-in person has typed their password again; tries count as those of a sign-in."""
    async with identity_session() as session:
        who = await service.candidate(session, person.email, device_of(request).address, datetime.now(UTC))
    if not await passwords.is_right(password, who.password_hash) or who.user_id != person.user_id:
        return False
    async with identity_session() as session:
        await attempts.forgive(session, who.attempt)
    return True


def _settings(person: Person) -> str:
    return "/staff/settings" if person.is_staff else "/settings"


routes: list[BaseRoute] = [
    Route("/auth/two-step", own_page, methods=["GET"]),
    Route("/auth/two-step", enter_code, methods=["POST"]),
    Route("/auth/two-step/on", turn_on, methods=["POST"]),
    Route("/auth/two-step/codes", renew_codes, methods=["POST"]),
    Route("/auth/two-step/off", turn_off, methods=["POST"]),
]
