"""How the settings page looks."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    button,
    confirm_dialog,
    link_button,
    notice_area,
    panel,
    relative_time,
    skeleton_rows,
    status_badge,
    text_input,
)
from tenant_portal.ui.components.native import NativeLink
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.settings.notifications_view import notifications
from tenant_portal.ui.pages.settings.quiet_hours import quiet_hours
from tenant_portal.ui.pages.settings.rows import BrowserRow
from tenant_portal.ui.pages.settings.state import SettingsState
from tenant_portal.ui.pages.settings.team_view import team
from tenant_portal.ui.session_state import SessionState


def settings_page() -> rx.Component:
    """For people of a client."""
    intro = "Your profile, your team, and where you are signed in."
    return page(
        "Settings",
        _notice(),
        profile(),
        notifications(),
        team(),
        quiet_hours(),
        password(),
        two_step(),
        browsers(),
        active=routes.SETTINGS,
        intro=intro,
        actions=(
            link_button("Canned replies", routes.REPLIES, icon="message-square-text"),
            rx.cond(SessionState.is_owner, link_button("Activity", routes.ACTIVITY, icon="history")),
        ),
        width="narrow",
    )


def staff_settings_page() -> rx.Component:
    """For the agency's staff, who belong to no team."""
    intro = "Your profile, and where you are signed in."
    return page(
        "Settings",
        _notice(),
        profile(),
        password(),
        two_step(),
        browsers(),
        active=routes.STAFF_SETTINGS,
        intro=intro,
        width="narrow",
    )


def _notice() -> rx.Component:
    return notice_area(SettingsState.notice, "good", on_close=SettingsState.dismiss_notice)


def profile() -> rx.Component:
    """Name and e-mail address."""
    fields = rx.el.div(
        text_input(
            "Name",
            "name",
            default_value=SessionState.name,
            key=SessionState.name,
            error=SettingsState.name_error,
            auto_complete="name",
            max_length=120,
            required=True,
        ),
        text_input(
            "E-mail address", "own_email", value=SessionState.email, read_only=True, hint="You sign in with it."
        ),
        rx.el.div(button("Save", look="main", type="submit")),
        class_name="stack",
    )
    return panel(rx.form(fields, on_submit=SettingsState.save_name), title="Profile", note="How your team sees you.")


def password() -> rx.Component:
    """Password change, with the old one asked for again."""
    fields = rx.el.div(
        rx.el.input(type="hidden", name="username", value=SessionState.email, auto_complete="username"),
        text_input(
            "Present password",
            "old_password",
            type="password",
            auto_complete="current-password",
            error=SettingsState.old_password_error,
            required=True,
        ),
        text_input(
            "New password",
            "new_password",
            type="password",
            auto_complete="new-password",
            hint="At least 12 characters; a few unrelated words work well.",
            error=SettingsState.new_password_error,
            min_length=12,
            max_length=256,
            required=True,
        ),
        rx.el.div(button("Change password", type="submit")),
        class_name="stack",
    )
    form = rx.form(fields, on_submit=SettingsState.change_password, reset_on_submit=True)
    return panel(form, title="Password", note="Changing it signs out every other browser.")


def two_step() -> rx.Component:
    """Whether a code is asked for besides the password; it is set up on a page of its own."""
    state = rx.el.div(
        rx.cond(SettingsState.has_second_step, status_badge("On", "good"), status_badge("Off")),
        rx.el.span(
            rx.cond(
                SettingsState.has_second_step,
                SettingsState.codes_left.to_string() + " recovery codes are left.",
                "Only your password protects your account.",
            ),
            class_name="soft grow",
        ),
        NativeLink.create(
            rx.cond(SettingsState.has_second_step, "Change", "Set up"),
            href=routes.TWO_STEP,
            class_name="button button-plain",
        ),
        class_name="row row-wrap",
    )
    return panel(
        rx.cond(SettingsState.is_loaded, state, skeleton_rows(1, "32px")),
        title="Two-step sign-in",
        note="Besides the password, a code that only your phone can make.",
    )


def browsers() -> rx.Component:
    """Where the reader is signed in."""
    rows = rx.el.ul(rx.foreach(SettingsState.browsers, _browser), class_name="rows")
    others = rx.cond(
        SettingsState.browsers.length() > 1,
        confirm_dialog(
            button("Sign out all others", small=True),
            title="Sign out all other browsers?",
            text="Every browser but this one has to sign in again.",
            confirm="Sign out",
            on_confirm=SettingsState.end_other_sessions,
        ),
    )
    return panel(
        rx.cond(SettingsState.is_loaded, rows, skeleton_rows(2, "32px")),
        title="Active sessions",
        note="Browsers in which you are signed in. Sign out what you do not know, then change your password.",
        actions=(others,),
        flush=True,
    )


def _browser(row: rx.Var[BrowserRow]) -> rx.Component:
    return rx.el.li(
        rx.cond(
            row.is_phone,
            rx.icon("smartphone", size=20, aria_hidden="true", class_name="soft"),
            rx.icon("monitor", size=20, aria_hidden="true", class_name="soft"),
        ),
        rx.el.div(
            rx.el.div(row.words, class_name="truncate"),
            rx.el.div(
                row.address, " · used ", relative_time(row.last_seen_at), class_name="soft num", font_size="13px"
            ),
            class_name="grow",
        ),
        rx.cond(
            row.is_this,
            status_badge("This browser", "good"),
            button("Sign out", look="quiet", small=True, on_click=SettingsState.end_session(row.session_id)),
        ),
    )
