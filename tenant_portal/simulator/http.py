"""The report of the latest two-tenant check as a file, for staff."""

import json

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tenant_portal.identity.http import person_of
from tenant_portal.simulator.two_tenant_check import report


async def download(request: Request) -> Response:
    """`GET /staff/simulator/report`: an HTML file, or JSON with `?format=json`; 404 for everybody but staff."""
    person = await person_of(request)
    data = report.newest() if person is not None and person.is_staff else None
    if data is None:
        return PlainTextResponse("Not found.", 404)
    as_json = request.query_params.get("format") == "json"
    name = f"two-tenant-check-{data['started_at'][:10]}.{'json' if as_json else 'html'}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
        "Cache-Control": "no-store",
    }
    if as_json:
        return Response(json.dumps(data, indent=2), media_type="application/json", headers=headers)
    return Response(report.as_page(data), media_type="text/html", headers=headers)


routes: list[BaseRoute] = [Route("/staff/simulator/report", download, methods=["GET"])]
