"""Everything of the portal that can be asked for from outside, as the two-tenant check wants to know it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_origin

import reflex as rx
from starlette.routing import BaseRoute, Mount, Route

from tenant_portal import http_routes, webhook_routes
from tenant_portal.simulator.two_tenant_check.surface import Address, Argument, Audience, Handler, Page, Surface
from tenant_portal.ui.access import audience_of
from tenant_portal.ui.gate import is_of_staff

LOAD_EVENT = "reflex___state____state.hydrate_and_load"
BUILT_PAGES = Path(".web/build/client")
UNGUARDED = frozenset({"signed-out", "404"})
_app: list[rx.App] = []


def describe(app: rx.App) -> None:
    """Name the application of this process; called by the composition root."""
    _app[:] = [app]


def collect() -> Surface:
    """All webhooks, addresses, pages and handlers, as they are registered now."""
    return Surface(
        webhooks=tuple(_addresses(webhook_routes.webhook_routes)),
        addresses=tuple(_addresses(http_routes.routes)),
        pages=tuple(_page(route, page.on_load) for app in _app for route, page in app._unevaluated_pages.items()),
        handlers=tuple(
            _handler(name, known) for app in _app for name, known in app._registration_context.event_handlers.items()
        ),
        load_event=LOAD_EVENT,
        built_pages=BUILT_PAGES,
    )


def _addresses(routes: Iterable[BaseRoute], prefix: str = "") -> Iterable[Address]:
    for route in routes:
        if isinstance(route, Mount):
            yield from _addresses(route.routes, prefix + route.path)
        elif isinstance(route, Route):
            endpoint = f"{getattr(route.endpoint, '__module__', '')}.{route.name}"
            yield Address(prefix + route.path, frozenset(route.methods or {"POST"}), endpoint)


def _page(route: str, on_load: Any) -> Page:
    path = f"/{route}".replace("/index", "/")
    names = tuple(f"{handler.state_full_name}.{handler.fn.__name__}" for handler in on_load or ())
    if route in UNGUARDED:
        return Page(path, names, Audience.EVERYBODY)
    return Page(path, names, Audience.STAFF if is_of_staff(path) else Audience.CLIENT)


def _handler(name: str, known: Any) -> Handler:
    hints = known.handler._type_hints or {}
    arguments = tuple(Argument(key, _word(hint)) for key, hint in hints.items() if key != "return")
    audience = audience_of(name)
    return Handler(name, arguments, Audience(audience.value) if audience else Audience.NOBODY)


def _word(hint: Any) -> str:
    return getattr(get_origin(hint) or hint, "__name__", str(hint))
