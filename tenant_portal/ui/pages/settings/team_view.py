"""The team, its invitations, and how an owner changes them."""

import reflex as rx

from tenant_portal.ui.components import (
    avatar,
    button,
    confirm_dialog,
    copy_box,
    panel,
    relative_time,
    select_field,
    skeleton_rows,
    status_badge,
    text_input,
)
from tenant_portal.ui.pages.settings.rows import InvitationRow, MemberRow
from tenant_portal.ui.pages.settings.state import SettingsState
from tenant_portal.ui.session_state import SessionState

ROLES = (("agent", "Agent: answers leads"), ("owner", "Owner: also channels and team"))


def team() -> rx.Component:
    """Who belongs to the client; only owners can change it."""
    rows = rx.el.ul(rx.foreach(SettingsState.members, _member), class_name="rows")
    return panel(
        rx.cond(SettingsState.is_loaded, rows, skeleton_rows(2, "32px")),
        rx.cond(SessionState.is_owner, _invitations()),
        rx.cond(SettingsState.is_loaded, _rule()),
        title="Team",
        note="Everybody here sees all leads and conversations of your company.",
        flush=True,
    )


def _member(row: rx.Var[MemberRow]) -> rx.Component:
    return rx.el.li(
        avatar(row.initials),
        rx.el.div(
            rx.el.div(row.name, rx.cond(row.is_me, rx.el.span(" (you)", class_name="soft")), class_name="truncate"),
            rx.el.div(row.email, class_name="soft truncate", font_size="13px"),
            class_name="grow",
        ),
        rx.cond(row.has_second_step, status_badge("Two-step", "good")),
        rx.cond(SessionState.is_owner & ~row.is_me, _member_actions(row), status_badge(row.role_word)),
    )


def _member_actions(row: rx.Var[MemberRow]) -> rx.Component:
    other_role = rx.cond(row.role == "owner", "agent", "owner")
    return rx.el.div(
        status_badge(row.role_word),
        button(
            rx.cond(row.role == "owner", "Make agent", "Make owner"),
            small=True,
            on_click=SettingsState.change_role(row.user_id, other_role),
        ),
        rx.cond(
            row.has_second_step,
            confirm_dialog(
                button("Reset two-step", look="quiet", small=True),
                title="Reset two-step sign-in?",
                text=row.name + " is signed out everywhere and signs in with the password alone. Do it when a phone is"
                " lost, and make sure that it is really they who ask.",
                confirm="Reset",
                on_confirm=SettingsState.reset_second_step(row.user_id),
            ),
        ),
        confirm_dialog(
            button("Remove", look="quiet", small=True),
            title="Remove from the team?",
            text=row.name + " is signed out everywhere at once and cannot sign in any more. Their work stays.",
            confirm="Remove",
            on_confirm=SettingsState.remove_member(row.user_id),
        ),
        class_name="row row-wrap",
        justify_content="flex-end",
    )


def _rule() -> rx.Component:
    """Whether everybody needs a second step; owners change it."""
    is_on = SettingsState.team_needs_second_step
    sentence = rx.cond(
        is_on, "Everybody of the team needs two-step sign-in.", "Two-step sign-in is up to each of the team."
    )
    require = confirm_dialog(
        button("Require it", small=True),
        title="Require two-step sign-in?",
        text="Whoever has not set it up is signed out now, and sets it up at the next sign-in.",
        confirm="Require it",
        look="main",
        on_confirm=SettingsState.require_second_step(True),
    )
    leave = button("Make it optional", small=True, on_click=SettingsState.require_second_step(False))
    return rx.el.div(
        rx.icon("shield-check", size=18, aria_hidden="true", class_name="soft"),
        rx.el.span(sentence, class_name="soft grow"),
        rx.cond(SessionState.is_owner, rx.cond(is_on, leave, require)),
        class_name="panel-body row row-wrap",
        border_top="1px solid var(--gray-4)",
    )


def _invitations() -> rx.Component:
    form = rx.form(
        rx.el.div(
            rx.el.div(
                text_input(
                    "Invite by e-mail address",
                    "email",
                    type="email",
                    error=SettingsState.invite_error,
                    required=True,
                    auto_complete="off",
                ),
                class_name="grow",
                flex_basis="240px",
            ),
            rx.el.div(select_field("Role", "role", ROLES), flex="1 1 220px"),
            button("Send invitation", icon="user-plus", type="submit", margin_top="24px"),
            class_name="row row-wrap",
            align_items="flex-start",
        ),
        on_submit=SettingsState.invite,
        reset_on_submit=True,
    )
    return rx.el.div(
        rx.el.ul(
            rx.foreach(SettingsState.invitations, _invitation), class_name="rows", border_top="1px solid var(--gray-4)"
        ),
        rx.el.div(form, _invite_link(), class_name="panel-body stack", border_top="1px solid var(--gray-4)"),
    )


def _invite_link() -> rx.Component:
    shown = rx.el.div(
        rx.el.p(
            "An e-mail with this link goes to ",
            rx.el.strong(SettingsState.invite_email),
            ". You may also send it yourself: it works once, for 72 hours, and is not shown again.",
            class_name="panel-note",
            margin_bottom="8px",
        ),
        copy_box(SettingsState.invite_link, "Invitation link"),
    )
    return rx.el.div(rx.cond(SettingsState.invite_link != "", shown), role="status", aria_live="polite")


def _invitation(row: rx.Var[InvitationRow]) -> rx.Component:
    return rx.el.li(
        rx.icon("mail", size=18, aria_hidden="true", class_name="soft"),
        rx.el.div(
            rx.el.div(row.email, class_name="truncate"),
            rx.el.div(
                "Invited as ",
                row.role_word,
                " · expires ",
                relative_time(row.expires_at),
                class_name="soft",
                font_size="13px",
            ),
            rx.el.div(
                status_badge(row.mail_word, row.mail_tone),
                rx.cond(row.mail_error != "", rx.el.span(row.mail_error, class_name="soft", font_size="13px")),
                class_name="row row-wrap",
                margin_top="6px",
            ),
            class_name="grow",
        ),
        button("Revoke", look="quiet", small=True, on_click=SettingsState.revoke_invitation(row.invitation_id)),
    )
