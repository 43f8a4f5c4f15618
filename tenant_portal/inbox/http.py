"""The files of messages and calls, for the signed-in people of their tenant only."""

import re
from datetime import UTC, datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from tenant_portal import object_store
from tenant_portal.db import identity_session, tenant_session
from tenant_portal.errors import NotFound
from tenant_portal.identity.cookies import read_token
from tenant_portal.identity.queries import Person
from tenant_portal.identity.sessions import resume
from tenant_portal.inbox import file_types
from tenant_portal.inbox.queries import StoredFile, stored_file

RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
# What a lead sent must not run as a page of the portal, even where somebody opens its address by itself.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; media-src 'self'; img-src 'self'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=86400, immutable",
    "Vary": "Cookie",
    "Accept-Ranges": "bytes",
}


async def media(request: Request) -> Response:
    """The file, or a part of it. Another tenant's, a made-up and an unfinished one get the same 404."""
    try:
        person = await person_of(request)
        media_id = UUID(request.path_params["media_id"])
        async with tenant_session(tenant_of(person)) as session:
            file = await stored_file(session, tenant_of(person), media_id)
        return file_answer(request, str(media_id), file)
    except (NotFound, ValueError):
        return no_file()


def file_answer(request: Request, name: str, file: StoredFile) -> Response:
    """A stored file, or the part of it that is asked for; offered for download under `name`."""
    wanted = request.headers.get("Range")
    part = byte_range(wanted, file.size_bytes) if wanted else None
    if wanted and part is None:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{file.size_bytes}"})
    start, end = part or (0, file.size_bytes)
    kind = file_types.of_content_type(file.content_type)
    place = "inline" if kind.inline else "attachment"
    headers = HEADERS | {
        "Content-Disposition": f'{place}; filename="{name}.{kind.ending}"',
        "Content-Length": str(end - start),
    }
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size_bytes}"
    status = 206 if part else 200
    if request.method == "HEAD" or not file.size_bytes:
        return Response(status_code=status, headers=headers, media_type=kind.content_type)
    body = object_store.read(file.object_key, start, end)
    return StreamingResponse(body, status_code=status, headers=headers, media_type=kind.content_type)


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """Start and end (exclusive) of a Range header with one range (RFC 9110, 14.1.2); None if it cannot be satisfied.

    Several ranges, or another unit, count as the whole file, which the RFC allows.
    """
    found = RANGE.fullmatch(header.strip())
    if found is None:
        return 0, size
    first, last = found.groups()
    if first:
        start, end = int(first), min(int(last) + 1, size) if last else size
    else:
        start, end = max(size - int(last or 0), 0), size
    return (start, end) if start < end else None


async def person_of(request: Request) -> Person:
    """Who is signed in; NotFound for nobody."""
    token = read_token(request.headers.get("Cookie", ""))
    if token is None:
        raise NotFound
    async with identity_session() as session:
        person = await resume(session, token, datetime.now(UTC))
    if person is None:
        raise NotFound
    return person


def tenant_of(person: Person) -> UUID:
    """The person's tenant; NotFound for staff."""
    if person.tenant_id is None:
        raise NotFound
    return person.tenant_id


def no_file() -> Response:
    """The answer for a file that is not there, or not for this person."""
    return PlainTextResponse("This file does not exist.", status_code=404, headers={"Cache-Control": "no-store"})


routes = [Route("/media/{media_id}", media, methods=["GET", "HEAD"])]
