"""A client's figures as a CSV file, for its own people."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tenant_portal.db import tenant_session
from tenant_portal.errors import BadInput
from tenant_portal.identity.http import person_of
from tenant_portal.insight import csv_file, queries, rules

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Cookie"}


async def export(request: Request) -> Response:
    """`GET /export/insight.csv?days=…&first=…&last=…`: what the page shows, each day and person in lines of its own."""
    person = await person_of(request)
    if person is None or person.tenant_id is None:
        return PlainTextResponse("This file does not exist.", 404, HEADERS)
    days, first, last = (request.query_params.get(name, "") for name in ("days", "first", "last"))
    try:
        async with tenant_session(person.tenant_id) as session:
            timezone = await queries.timezone_of(session, person.tenant_id)
            period = rules.chosen(days, first, last, datetime.now(UTC), timezone)
            found = await queries.figures(session, person.tenant_id, period)
    except BadInput as error:
        return PlainTextResponse(error.message, 400, HEADERS)
    except queries.FiguresUnavailable as error:
        return PlainTextResponse(error.message, 503, HEADERS)
    name = f"insight-{period.first}-{period.last}.csv"
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response("".join(csv_file.lines(found)), headers=headers, media_type="text/csv; charset=utf-8")


routes: list[BaseRoute] = [Route("/export/insight.csv", export, methods=["GET"])]
