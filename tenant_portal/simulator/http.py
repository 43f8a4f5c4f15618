"""Files of the simulator for staff: the report of the latest two-tenant check, and what the handset's phones got."""

import json
import re

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tenant_portal.identity.http import person_of
from tenant_portal.simulator.handset import HandsetError, handset
from tenant_portal.simulator.two_tenant_check import report

MEDIA_SID = re.compile(r"ME[0-9a-f]{32}")
SHOWN = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})


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


async def phone_media(request: Request) -> Response:
    """`GET /staff/simulator/media/{sid}`: a picture in one of the handset's conversations; 404 for all but staff."""
    person = await person_of(request)
    try:
        if person is None or not person.is_staff or not MEDIA_SID.fullmatch(request.path_params["sid"]):
            raise HandsetError("Not found.")
        async with handset() as phones:
            content, content_type = await phones.media(request.path_params["sid"])
    except HandsetError:
        return PlainTextResponse("Not found.", 404)
    if content_type not in SHOWN:
        return PlainTextResponse("Not found.", 404)
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=3600"}
    return Response(content, media_type=content_type, headers=headers)


routes: list[BaseRoute] = [
    Route("/staff/simulator/report", download, methods=["GET"]),
    Route("/staff/simulator/media/{sid}", phone_media, methods=["GET"]),
]
