"""The frame of every signed-in page.

How to build a page (ui/pages/<name>.py):

    class LeadsState(rx.State):
        rows: list[LeadRow] = []          # frozen dataclasses, paged; never a table, never a secret

        @rx.event
        async def load(self) -> None:     # also what live updates call
            person = await client(self)   # first line of EVERY handler; staff(self) on staff pages
            async with tenant_session(person.tenant_id) as session: ...
            await live.join(self, person, LeadsState.load)

    def leads_page() -> rx.Component:
        return page("Leads", panel(...), active=routes.LEADS, intro="Everybody who wrote or called.")

Then one line in tenant_portal/tenant_portal.py (`add(...)`) and one in ui/access.py (who may call LeadsState).
Helpers of a state start with `_` or are module functions: any other method can be called from any browser.
Notices are state vars in a `notice_area`; toasts and call_script need eval, which the CSP forbids.
Links are `text_link` or `link_button`. Classes such as `stack`, `row`, `grid`, `rows`, `soft`, `truncate` are in
assets/portal.css.
"""

from dataclasses import dataclass
from typing import Literal

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink

from tenant_portal.ui import routes
from tenant_portal.ui.components import avatar, icon_button, notice, notice_area, offline_banner, page_header
from tenant_portal.ui.components.native import NativeForm, NativeLink
from tenant_portal.ui.session_state import SessionState
from tenant_portal.ui.theme import keep_choice

PRODUCT = "Tenant Portal"
SUSPENDED = "Your portal is suspended: no messages or calls go in or out. Ask your agency to resume it."


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the navigation."""

    label: str
    route: str
    icon: str


CLIENT_ENTRIES = (
    Entry("Home", routes.HOME, "house"),
    Entry("Inbox", routes.INBOX, "inbox"),
    Entry("Calls", routes.CALLS, "phone-incoming"),
    Entry("Leads", routes.LEADS, "users"),
    Entry("Insight", routes.INSIGHT, "chart-column"),
    Entry("Channels", routes.CHANNELS, "radio-tower"),
    Entry("Settings", routes.SETTINGS, "settings"),
)
STAFF_ENTRIES = (
    Entry("Tenants", routes.TENANTS, "building-2"),
    Entry("Quarantine", routes.QUARANTINE, "shield-alert"),
    Entry("Simulator", routes.SIMULATOR, "flask-conical"),
    Entry("Settings", routes.STAFF_SETTINGS, "settings"),
)


def page(
    title: str | rx.Var[str],
    *body: rx.Component,
    active: str,
    intro: str | rx.Var[str] = "",
    actions: tuple[rx.Component, ...] = (),
    width: Literal["narrow", "normal", "wide", "fill"] = "normal",
) -> rx.Component:
    """A signed-in page. `active` is the route whose navigation entry is lit; it also decides whose navigation is shown.

    `width="fill"` gives the body the whole height without header or padding (it then needs its own h1).
    """
    entries = STAFF_ENTRIES if active.startswith(routes.STAFF_PREFIX) else CLIENT_ENTRIES
    if width == "fill":
        content = rx.el.div(_trouble(), *body, class_name="fill")
    else:
        column = "column" if width == "normal" else f"column column-{width}"
        content = rx.el.div(page_header(title, intro, *actions), _trouble(), *body, class_name=column)
    return rx.el.div(
        NativeLink.create("Skip to content", href="#main", class_name="skip-link"),
        _side(entries, active),
        _top(entries),
        rx.el.main(content, id="main", class_name="main", tab_index=-1),
        rx.el.nav(_links(entries, active), class_name="tabs", aria_label="Pages"),
        offline_banner(),
        class_name="shell",
    )


def _trouble() -> rx.Component:
    suspended = rx.el.div(notice(SUSPENDED, "warn"), class_name="notice-region")
    return rx.fragment(
        rx.cond(SessionState.is_suspended, suspended),
        notice_area(SessionState.trouble, "bad", on_close=SessionState.dismiss_trouble),
    )


def _side(entries: tuple[Entry, ...], active: str) -> rx.Component:
    return rx.el.aside(
        _brand(entries),
        rx.el.nav(_links(entries, active), aria_label="Pages"),
        rx.el.div(_person("side"), class_name="side-foot"),
        class_name="side",
        aria_label="Navigation",
    )


def _top(entries: tuple[Entry, ...]) -> rx.Component:
    return rx.el.header(_brand(entries), _person("top"), class_name="top")


def _brand(entries: tuple[Entry, ...]) -> rx.Component:
    second = "Agency" if entries is STAFF_ENTRIES else SessionState.client
    return ReactRouterLink.create(
        rx.el.img(src="/favicon.svg", alt="", class_name="brand-mark"),
        rx.el.div(
            rx.el.div(PRODUCT, class_name="brand-name"),
            rx.el.div(second, class_name="brand-sub truncate"),
            min_width="0",
        ),
        to=entries[0].route,
        class_name="brand",
    )


def _links(entries: tuple[Entry, ...], active: str) -> rx.Component:
    return rx.el.ul(*[rx.el.li(_link(entry, entry.route == active)) for entry in entries], class_name="nav")


def _link(entry: Entry, is_active: bool) -> rx.Component:
    props = {"aria_current": "page"} if is_active else {}
    return ReactRouterLink.create(
        rx.icon(entry.icon, aria_hidden="true"),
        rx.el.span(entry.label),
        _unread() if entry.route == routes.INBOX else rx.fragment(),
        to=entry.route,
        class_name="nav-link",
        **props,
    )


def _unread() -> rx.Component:
    return rx.cond(
        SessionState.unread > 0,
        rx.el.span(
            rx.cond(SessionState.unread > 99, "99+", SessionState.unread.to_string()),
            rx.el.span(" unread", class_name="visually-hidden"),
            class_name="nav-count num",
        ),
    )


def _person(place: str) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            avatar(SessionState.initials),
            rx.el.div(
                rx.el.div(SessionState.name, class_name="person-name truncate"),
                rx.el.div(SessionState.role, class_name="person-role truncate"),
                class_name="person-text",
            ),
            class_name="person",
            cursor="default",
            flex="1",
            min_width="0",
        ),
        theme_button(),
        _sign_out(place),
        class_name="row",
        gap="2px",
        margin_left="auto" if place == "top" else "",
    )


def theme_button() -> rx.Component:
    """Light or dark; follows the device until it is first used."""
    return rx.color_mode_cond(
        light=icon_button("moon", "Dark appearance", small=True, on_click=[rx.toggle_color_mode, keep_choice("dark")]),
        dark=icon_button("sun", "Light appearance", small=True, on_click=[rx.toggle_color_mode, keep_choice("light")]),
    )


def _sign_out(place: str) -> rx.Component:
    # A real form: the answer clears the browser's storage, which a websocket event cannot do.
    return NativeForm.create(
        icon_button("log-out", "Sign out", small=True, type="submit", id=f"sign-out-{place}"),
        action=routes.SIGN_OUT,
        method="post",
    )
