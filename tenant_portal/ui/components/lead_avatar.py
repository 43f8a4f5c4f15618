"""A lead's initials on a colour of their own; a plain figure where only a number is known."""

from uuid import UUID

import reflex as rx

from tenant_portal.leads.rules import is_phone_number
from tenant_portal.ui.session_state import initials_of

TINTS = 6


def lead_initials(name: str, profile_name: str, address: str) -> str:
    """Initials of the name or, failing that, of the profile; empty for a mere number."""
    known = name or profile_name or ("" if is_phone_number(address) or address[:1].isdigit() else address)
    return initials_of(known) if known else ""


def tint_of(lead_id: UUID) -> str:
    """One of a few colours, always the same one for a lead."""
    return str(lead_id.int % TINTS)


def lead_avatar(initials: rx.Var[str], tint: rx.Var[str], *, large: bool = False) -> rx.Component:
    """Decoration, since the name stands beside it."""
    size = "avatar avatar-lg tint-" if large else "avatar tint-"
    return rx.el.span(
        rx.cond(initials != "", initials, rx.icon("user-round", size=20 if large else 17)),
        class_name=rx.Var.create(size) + tint,
        aria_hidden="true",
    )
