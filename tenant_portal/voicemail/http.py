"""Greetings as files: taken from an owner's browser, given to whoever holds the sealed address, which is Twilio."""

import logging
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenant_portal import object_store
from tenant_portal.channels.service import actor_of
from tenant_portal.config import settings
from tenant_portal.db import tenant_session
from tenant_portal.errors import BadInput, NotAllowed, NotFound, PortalError
from tenant_portal.inbox.http import file_answer, no_file, person_of, tenant_of
from tenant_portal.inbox.queries import StoredFile
from tenant_portal.voicemail import greeting_files, service

log = logging.getLogger(__name__)


async def greeting(request: Request) -> Response:
    """The sound at a sealed address; 404 for any other. Asks no database, so that it plays while that is away."""
    try:
        key, kind = greeting_files.opened(*(request.path_params[name] for name in ("tenant_id", "file_id", "name")))
        file = StoredFile(key, kind.content_type, await object_store.size_of(key))
    except NotFound:
        return no_file()
    return file_answer(request, "greeting", file)


async def take_greeting(request: Request) -> Response:
    """An uploaded or recorded greeting as the whole body. 200, or a sentence that says what is wrong with it."""
    try:
        # A form of another site cannot send this header of our own.
        if request.headers.getlist("origin") != [settings().origin]:
            return _refused("This was not sent by the portal itself.", 403)
        person = await person_of(request)
        tenant_of(person)
        channel_id = UUID(request.path_params["channel_id"])
        content = await _body(request)
        actor = actor_of(person)
        async with tenant_session(actor.tenant_id) as session:
            before = await service.keep_file(session, actor, channel_id, request.path_params["occasion"], content)
        await forget(before)
    except (NotFound, ValueError):
        return no_file()
    except PortalError as error:
        return _refused(error.message, _status_of(error))
    return JSONResponse({"error": ""})


async def forget(key: str | None) -> None:
    """Delete a greeting that no channel plays any more; one that stays behind is only room in the store."""
    try:
        if key:
            await object_store.delete(key)
    except PortalError as error:
        log.warning("a greeting could not be deleted", extra={"error": type(error).__name__})


async def _body(request: Request) -> bytes:
    content = b""
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > greeting_files.MAX_BYTES:
                raise BadInput(greeting_files.TOO_LARGE, field="file")
    except ClientDisconnect:
        raise BadInput("The upload was broken off.", field="file") from None
    return content


def _status_of(error: PortalError) -> int:
    if isinstance(error, NotAllowed):
        return 403
    return 422 if isinstance(error, BadInput) else 409


def _refused(sentence: str, status: int) -> Response:
    return JSONResponse({"error": sentence}, status, {"Cache-Control": "no-store"})


routes = [
    Route(f"{greeting_files.PREFIX}/{{tenant_id}}/{{file_id}}/{{name}}", greeting, methods=["GET", "HEAD"]),
    Route("/uploads/greeting/{channel_id}/{occasion}", take_greeting, methods=["POST"]),
]
