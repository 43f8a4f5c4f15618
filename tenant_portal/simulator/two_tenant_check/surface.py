"""What can be asked for from outside, found by enumeration and never by a list of our own.

The outer ring fills it in (ui/surface.py): this package knows neither Reflex nor the composition root.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Audience(StrEnum):
    """Who may use something; `nobody` also stands for what has been forgotten, which the gate refuses to all."""

    NOBODY = "nobody"
    EVERYBODY = "everybody"
    SIGNED_IN = "signed in"
    CLIENT = "client"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a handler and the name of its declared type; an empty type is none."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Handler:
    """A function that any browser can name in a websocket event."""

    name: str
    arguments: tuple[Argument, ...]
    audience: Audience


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its address with `[name]` for what varies, and the events that load it."""

    route: str
    on_load: tuple[str, ...] = ()
    audience: Audience = Audience.SIGNED_IN


@dataclass(frozen=True, slots=True)
class Address:
    """An HTTP address of ours beside the pages; `{name}` stands for what varies."""

    path: str
    methods: frozenset[str]
    endpoint: str


@dataclass(frozen=True, slots=True)
class Surface:
    """Everything that answers."""

    webhooks: tuple[Address, ...]
    addresses: tuple[Address, ...]
    pages: tuple[Page, ...]
    handlers: tuple[Handler, ...]
    load_event: str
    """Full name of the event with which a browser loads a page."""
    built_pages: Path
