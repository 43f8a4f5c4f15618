"""Files of leads, in and out, for the signed-in people of their tenant only."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from tenant_portal.config import settings
from tenant_portal.csv_lines import csv_line
from tenant_portal.db import tenant_session
from tenant_portal.errors import BadInput, Conflict, NotFound
from tenant_portal.identity.http import person_of
from tenant_portal.identity.queries import Person
from tenant_portal.leads import exporting, importing, person_data
from tenant_portal.leads.spreadsheets import MAX_BYTES

PAGE = "/leads/import"
# What surrounds the file in the form.
FORM_BYTES = 16_384
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Cookie"}


async def upload(request: Request) -> Response:
    """`POST /files/leads/import`: take a file in, and back to the page, which shows what became of it."""
    person = await _client(request)
    if person is None:
        return _not_found()
    if request.headers.getlist("origin") != [settings().origin]:
        return PlainTextResponse("This form was not sent by the portal itself.", 403, HEADERS)
    size = request.headers.get("content-length", "")
    if not size.isdecimal() or int(size) > MAX_BYTES + FORM_BYTES:
        return _back("too-large")
    try:
        async with request.form(max_files=1, max_fields=1) as form:
            file = form.get("file")
            content = b"" if file is None or isinstance(file, str) else await file.read()
            name = "" if file is None or isinstance(file, str) else file.filename or ""
        async with tenant_session(_tenant(person)) as session:
            await importing.start(session, person, name, content)
    except BadInput:
        return _back("empty" if not content else "too-large")
    except Conflict:
        return _back("busy")
    return _back("")


async def errors(request: Request) -> Response:
    """`GET /files/leads/import/{import_id}/errors.csv`: the rows that were not taken, as they were, with why."""
    person = await _client(request)
    try:
        import_id = UUID(request.path_params["import_id"])
        if person is None:
            raise NotFound
        async with tenant_session(_tenant(person)) as session:
            row = await importing.read_import(session, _tenant(person), import_id)
    except (NotFound, ValueError):
        return _not_found()
    return _csv(_wrong_rows(row.tenant_id, row.id, row.columns), "rows-with-errors.csv")


async def export(request: Request) -> Response:
    """`GET /files/leads/export.csv`: all leads of the client, blocked ones as well."""
    person = await _client(request)
    if person is None:
        return _not_found()
    async with tenant_session(_tenant(person)) as session:
        await exporting.note(session, person)
    return _csv(exporting.lines(_tenant(person)), f"leads-{datetime.now(UTC):%Y-%m-%d}.csv")


async def person(request: Request) -> Response:
    """`GET /files/leads/{lead_id}/data.json`: everything that is kept about one lead."""
    reader = await _client(request)
    try:
        lead_id = UUID(request.path_params["lead_id"])
        if reader is None:
            raise NotFound
        async with tenant_session(_tenant(reader)) as session:
            found = await person_data.collect(session, reader, lead_id)
    except (NotFound, ValueError):
        return _not_found()
    text = json.dumps(found, default=str, ensure_ascii=False, indent=2)
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="person-{lead_id}.json"'}
    return Response(text, headers=headers, media_type="application/json")


async def _wrong_rows(tenant_id: UUID, import_id: UUID, columns: list[str]) -> AsyncIterator[str]:
    yield csv_line(["Line", *columns, "What is wrong"])
    after = 0
    while True:
        # A session for each page: a slow reader must not hold a connection.
        async with tenant_session(tenant_id) as session:
            rows = await importing.rows_after(session, tenant_id, import_id, after, wrong=True)
        for number, cells, wrong in rows:
            yield csv_line([str(number), *cells, " ".join(f"{name}: {sentence}" for name, sentence in wrong.items())])
        if not rows:
            return
        after = rows[-1][0]


def _csv(lines: AsyncIterator[str], name: str) -> Response:
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, headers=headers, media_type="text/csv; charset=utf-8")


async def _client(request: Request) -> Person | None:
    person = await person_of(request)
    return person if person is not None and person.tenant_id is not None else None


def _tenant(person: Person) -> UUID:
    assert person.tenant_id is not None
    return person.tenant_id


def _back(problem: str) -> Response:
    return RedirectResponse(f"{PAGE}?problem={problem}" if problem else PAGE, 303, HEADERS)


def _not_found() -> Response:
    return PlainTextResponse("This file does not exist.", 404, HEADERS)


routes = [
    Route("/files/leads/import", upload, methods=["POST"]),
    Route("/files/leads/import/{import_id}/errors.csv", errors, methods=["GET"]),
    Route("/files/leads/{lead_id}/data.json", person, methods=["GET"]),
    Route("/files/leads/export.csv", export, methods=["GET"]),
]
