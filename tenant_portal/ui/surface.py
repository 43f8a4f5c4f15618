"""Everything of the portal that can be asked for from outside, as the two-tenant check wants to know it."""

from collections.abc import Callable, Iterable
from typing import Any, get_origin

import reflex as rx
from starlette.routing import BaseRoute, Mount, Route

from tenant_portal import http_routes, webhook_routes
from tenant_portal.frontend_build import PAGES
from tenant_portal.simulator.two_tenant_check.surface import Address, Argument, Audience, Handler, Page, Surface
from tenant_portal.ui.gate import is_of_staff

LOAD_EVENT = "reflex___state____state.hydrate_and_load"
UNGUARDED = frozenset({"signed-out", "404"})
_described: list[tuple[rx.App, Callable[[str], Any]]] = []


def describe(app: rx.App, audience_of: Callable[[str], Any]) -> None:
    """Name the application of this process, and who may send an event of its; called by the composition root."""
    _described[:] = [(app, audience_of)]


def collect() -> Surface:
    """All webhooks, addresses, pages and handlers, as they are registered now."""
    app, audience_of = _described[0]
    known = app._registration_context.event_handlers
    return Surface(
        webhooks=tuple(_addresses(webhook_routes.webhook_routes)),
        addresses=tuple(_addresses(http_routes.routes)),
        pages=tuple(_page(route, page.on_load) for route, page in app._unevaluated_pages.items()),
        handlers=tuple(_handler(name, handler, audience_of(name)) for name, handler in known.items()),
        load_event=LOAD_EVENT,
        built_pages=PAGES,
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


def _handler(name: str, known: Any, audience: Any) -> Handler:
    hints = known.handler._type_hints or {}
    arguments = tuple(Argument(key, _word(hint)) for key, hint in hints.items() if key != "return")
    return Handler(name, arguments, Audience(audience.value) if audience else Audience.NOBODY)


def _word(hint: Any) -> str:
    return getattr(get_origin(hint) or hint, "__name__", str(hint))
