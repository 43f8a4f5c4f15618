"""Elements that the browser itself acts on, without React Router in between."""

from typing import Any

import reflex as rx
from reflex_components_core.el.elements.base import BaseHTML
from reflex_components_core.el.elements.forms import Form

NEW_TAB = {"target": "_blank", "rel": "noopener noreferrer"}
"""Attributes of a link that leaves the portal's page open; the other page learns nothing of it."""


class NativeForm(BaseHTML):
    """A form that the browser itself submits; rx.form always prevents that."""

    tag = "form"
    action: rx.Var[str]
    method: rx.Var[str]
    enc_type: rx.Var[str]


class OwnFieldsForm(Form):
    """A form whose event gets what its own fields hold; a checkbox that is off is not among them.

    rx.el.form reads a field by its id: where forms share a page, that of the one drawn last, or nothing if it is gone.
    """

    def _get_form_refs(self) -> dict[str, Any]:
        return {}


class NativeLink(BaseHTML):
    """A link that the browser itself follows: off the pages, to a file, or to a place on this page.

    rx.el.a becomes a link of React Router, which looks for a page instead and leaves the focus where it was.
    """

    tag = "a"
    href: rx.Var[str]
    download: rx.Var[bool]
