"""A forgotten password: asking for a link, and using it."""

from datetime import UTC, datetime

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tenant_portal.db import identity_session
from tenant_portal.errors import BadInput
from tenant_portal.identity import attempts, resets
from tenant_portal.identity.http.forms import device_of, own_form, page, problem
from tenant_portal.identity.rules import RESET, tidy_email


async def ask_page(request: Request) -> Response:
    """`GET /auth/forgotten`: whose password?"""
    return page(request, "forgotten.html", 200, email="", **problem(None))


async def ask(request: Request) -> Response:
    """`POST /auth/forgotten`: one answer, in one time, whether or not somebody has this address.

    Whose it is is only looked at once the answer is out.
    """
    email, now = (await own_form(request)).get("email", ""), datetime.now(UTC)
    try:
        address = tidy_email(email)
    except BadInput as error:
        return page(request, "forgotten.html", 422, email=email[:254], **problem(error))
    async with identity_session() as session:
        attempt = await attempts.count(session, address, device_of(request).address, now, RESET)
    answer = page(request, "forgotten_asked.html", 200, email=address)
    if not attempt.is_blocked:
        answer.background = BackgroundTask(_send, address, now)
    return answer


async def new_password_page(request: Request) -> Response:
    """`GET /auth/reset/{token}`: changes nothing, since mail programs open links by themselves."""
    return await _form(request, request.path_params["token"])


async def set_new_password(request: Request) -> Response:
    """`POST /auth/reset`: the new password counts, and everybody who was signed in with the old one is out."""
    form = await own_form(request)
    token = form.get("token", "")
    try:
        async with identity_session() as session:
            await resets.settle(session, token, form.get("password", ""), datetime.now(UTC))
    except BadInput as error:
        return await _form(request, token, error)
    message = "Your new password is set, and every browser was signed out. Sign in with it now."
    return page(request, "message.html", 200, title="Password changed", message=message)


async def _form(request: Request, token: str, error: BadInput | None = None) -> Response:
    async with identity_session() as session:
        user = await resets.find(session, token, datetime.now(UTC))
        answers = {"email": user.email, "token": token}
    return page(request, "new_password.html", 422 if error else 200, **answers, **problem(error))


async def _send(email: str, now: datetime) -> None:
    async with identity_session() as session:
        await resets.send_link(session, email, now)


routes: list[BaseRoute] = [
    Route("/auth/forgotten", ask_page, methods=["GET"]),
    Route("/auth/forgotten", ask, methods=["POST"]),
    Route("/auth/reset/{token:str}", new_password_page, methods=["GET"]),
    Route("/auth/reset", set_new_password, methods=["POST"]),
]
