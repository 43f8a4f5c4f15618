"""A client's own audit trail as a CSV file, for its owners."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from tenant_portal.audit.queries import Entry, Mark, Narrowing, latest, narrowing_of
from tenant_portal.audit.rules import action_words
from tenant_portal.csv_lines import BYTE_ORDER_MARK, csv_line
from tenant_portal.db import tenant_session
from tenant_portal.errors import NotFound, PortalError
from tenant_portal.identity.http.forms import person_of
from tenant_portal.identity.team import refuse_all_but_owners

PAGE = 1000
COLUMNS = ("Time (UTC)", "Who", "What", "About", "Details", "Code")


async def export(request: Request) -> Response:
    """`GET /export/activity.csv?person=…&kind=…`: all lines, newest first. Whoever is no owner finds nothing here."""
    try:
        tenant_id = await _tenant_of(request)
        narrowing = narrowing_of(request.query_params.get("person", ""), request.query_params.get("kind", ""))
    except PortalError:
        return PlainTextResponse("This file does not exist.", 404, {"Cache-Control": "no-store"})
    headers = {
        "Content-Disposition": f'attachment; filename="activity-{datetime.now(UTC):%Y-%m-%d}.csv"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(_lines(request, tenant_id, narrowing), 200, headers, "text/csv; charset=utf-8")


async def _lines(request: Request, tenant_id: UUID, narrowing: Narrowing) -> AsyncIterator[str]:
    """Page by page, so that a long trail takes neither memory nor a long transaction."""
    yield BYTE_ORDER_MARK + csv_line(COLUMNS)
    before: Mark | None = None
    # Asked again for each page: whoever is no owner any more gets no further.
    while await _is_still_owner(request, tenant_id):
        async with tenant_session(tenant_id) as session:
            found = await latest(session, tenant_id, narrowing=narrowing, before=before, limit=PAGE)
        yield "".join(csv_line(_cells(entry)) for entry in found)
        if len(found) < PAGE:
            return
        before = found[-1].mark


def _cells(entry: Entry) -> tuple[str, ...]:
    details = json.dumps(entry.details, ensure_ascii=False) if entry.details else ""
    cells = (entry.actor_name, action_words(entry.action), entry.subject, details, entry.action)
    return entry.at.astimezone(UTC).isoformat(timespec="seconds"), *cells


async def _tenant_of(request: Request) -> UUID:
    person = await person_of(request)
    if person is None:
        raise NotFound
    return refuse_all_but_owners(person)


async def _is_still_owner(request: Request, tenant_id: UUID) -> bool:
    try:
        return await _tenant_of(request) == tenant_id
    except PortalError:
        return False


routes: list[BaseRoute] = [Route("/export/activity.csv", export, methods=["GET"])]
