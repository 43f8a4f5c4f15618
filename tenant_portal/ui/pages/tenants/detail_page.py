"""One client as the agency sees it: connection, channels, traffic, faults. No message."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import (
    button,
    confirm_dialog,
    copy_box,
    data_table,
    empty_state,
    link_button,
    notice,
    notice_area,
    panel,
    relative_time,
    skeleton_rows,
    stat,
    status_badge,
    text_input,
)
from tenant_portal.ui.components.channel_marks import channel_mark
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.tenants.detail_state import RefusalLine, TenantDetailState
from tenant_portal.ui.pages.tenants.dialogs import SUSPEND_TEXT
from tenant_portal.ui.pages.tenants.limits_view import fact, given_up_panel, limits_panel
from tenant_portal.ui.pages.tenants.lines import ChannelMark
from tenant_portal.ui.pages.tenants.list_page import refresher

LINE = TenantDetailState.line


def tenant_page() -> rx.Component:
    """The client, or what to do when there is none."""
    return page(
        rx.cond(LINE.name != "", LINE.name, "Client"),
        notice_area(TenantDetailState.notice, TenantDetailState.tone),
        rx.cond(
            TenantDetailState.missing,
            panel(
                empty_state(
                    "building-2", "This client no longer exists", "It may have been closed.",
                    link_button("All clients", routes.TENANTS),
                )
            ),
            rx.cond(TenantDetailState.loaded, _client(), panel(skeleton_rows())),
        ),
        rx.cond(LINE.is_settling, refresher(TenantDetailState.refresh)),
        active=routes.TENANTS,
        intro="Messages and leads stay with the client.",
        actions=(_actions(),),
    )  # fmt: skip


def _actions() -> rx.Component:
    return rx.fragment(
        link_button("All clients", routes.TENANTS, icon="arrow-left", look="quiet"),
        rx.cond(
            LINE.can_suspend,
            confirm_dialog(
                button("Suspend", icon="pause"),
                title="Suspend " + LINE.name + "?",
                text=SUSPEND_TEXT,
                confirm="Suspend",
                on_confirm=TenantDetailState.suspend,
            ),
        ),
        rx.cond(
            LINE.can_resume,
            confirm_dialog(
                button("Resume", icon="play", look="main"),
                title="Resume " + LINE.name + "?",
                text="Its Twilio subaccount is opened again; messages flow as before.",
                confirm="Resume",
                look="main",
                on_confirm=TenantDetailState.resume,
            ),
        ),
    )


def _client() -> rx.Component:
    return rx.fragment(
        rx.cond(LINE.problem != "", rx.el.div(_problem(), margin_bottom="16px")),
        rx.el.div(
            stat(
                "Messages in, 24 h", LINE.in_24h, icon="arrow-down-left", note=LINE.in_30d.to_string() + " in 30 days"
            ),
            stat(
                "Messages out, 24 h", LINE.out_24h, icon="arrow-up-right", note=LINE.out_30d.to_string() + " in 30 days"
            ),
            stat("Refused requests, 24 h", LINE.refusals_24h, icon="shield-x"),
            stat("Failed messages, 24 h", LINE.failures_24h, icon="circle-alert"),
            class_name="grid",
        ),
        _connection(),
        _channels(),
        limits_panel(TenantDetailState.limits),
        rx.cond(
            TenantDetailState.limits.lost.length() > 0,
            given_up_panel(TenantDetailState.limits, TenantDetailState.run_again),
        ),
        rx.cond(TenantDetailState.refusals.length() > 0, _refusals()),
        _invite(),
    )


def _problem() -> rx.Component:
    again = rx.cond(
        LINE.next_attempt_at != "", " The portal tries again by itself.", " It is not tried again by itself."
    )
    return notice(LINE.problem + again, "bad", button("Try again now", small=True, on_click=TenantDetailState.check))


def _connection() -> rx.Component:
    return panel(
        rx.el.dl(
            fact("State", status_badge(LINE.state_label, LINE.tone)),
            fact(
                "Account at Twilio",
                rx.cond(LINE.account_sid != "", rx.el.code(LINE.account_sid, class_name="code"), "not made yet"),
            ),
            fact("Twilio says", rx.cond(LINE.twilio_status != "", LINE.twilio_status, "nothing yet")),
            fact("Last webhook", rx.cond(LINE.last_webhook_at != "", relative_time(LINE.last_webhook_at), "never")),
            fact("Client since", relative_time(LINE.created_at)),
            class_name="channel-facts",
        ),
        title="Connection to Twilio",
        actions=(button("Check at Twilio", icon="refresh-cw", small=True, on_click=TenantDetailState.check),),
    )


def _channels() -> rx.Component:
    return panel(
        rx.cond(
            LINE.channels.length() > 0,
            rx.el.ul(rx.foreach(LINE.channels, _channel), class_name="rows"),
            empty_state("radio-tower", "No channels", "The client connects them on its Channels page."),
        ),
        title="Channels",
        flush=True,
    )


def _channel(mark: rx.Var[ChannelMark]) -> rx.Component:
    return rx.el.li(
        channel_mark(mark.kind),
        rx.el.div(
            rx.el.div(mark.number, class_name="num"),
            rx.cond(mark.problem != "", rx.el.div(mark.problem, class_name="soft")),
            min_width="0",
            flex="1",
        ),
        status_badge(mark.words, mark.tone),
        class_name="number-row",
    )


def _refusals() -> rx.Component:
    table = data_table(
        ("Reason", "Kind", "Count", "Last", "Parameters of the last one"),
        rx.foreach(TenantDetailState.refusals, _refusal),
        label="Refused requests",
    )
    return panel(
        table, title="Refused requests, 24 h", note="Names of parameters only, never their values.", flush=True
    )


def _refusal(one: rx.Var[RefusalLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(one.reason),
        rx.el.td(one.kind),
        rx.el.td(one.count.to_string(), class_name="num"),
        rx.el.td(relative_time(one.last_at)),
        rx.el.td(rx.el.span(one.parameter_names, class_name="soft parameter-names")),
    )


def _invite() -> rx.Component:
    return panel(
        rx.form(
            text_input(
                "E-mail address",
                "email",
                error=TenantDetailState.email_error,
                type="email",
                required=True,
                auto_complete="off",
            ),
            button("Make a link", type="submit"),
            on_submit=TenantDetailState.invite,
            reset_on_submit=True,
            class_name="invite-form",
        ),
        rx.cond(TenantDetailState.invitation != "", copy_box(TenantDetailState.invitation, "Invitation link")),
        title="Invite an owner",
        note="You hand the link over yourself. It works once, for 72 hours, for this address only.",
    )
