"""The floor: a bare Starlette handler that parses the form and answers, and does nothing else."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def take(request: Request) -> Response:
    """Parse and answer."""
    await request.form()
    return Response('<?xml version="1.0" encoding="UTF-8"?><Response />', media_type="text/xml")


app = Starlette(routes=[Route("/api/webhooks/sms", take, methods=["POST"])])
