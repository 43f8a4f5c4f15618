"""Home: the last day at a glance, and the first steps of a new client."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink

from tenant_portal.channels.queries import ChannelRow, channels
from tenant_portal.db import tenant_session
from tenant_portal.inbox import queries as inbox
from tenant_portal.inbox.activity import activity
from tenant_portal.leads.queries import count_new_leads
from tenant_portal.leads.rules import format_number
from tenant_portal.models.enums import ChannelState
from tenant_portal.ui import live, routes
from tenant_portal.ui.components import empty_state, link_button, panel, skeleton_rows, stat, status_badge
from tenant_portal.ui.components.channel_marks import channel_mark
from tenant_portal.ui.components.lead_avatar import lead_avatar
from tenant_portal.ui.components.local_time import short_time
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.inbox.items import CHANNEL_NAMES, ThreadItem, thread_item
from tenant_portal.ui.session_state import SessionState, client

LATEST = 6
HEALTH = {
    ChannelState.ACTIVE: ("Connected", "good"),
    ChannelState.FAILED: ("Needs attention", "bad"),
    ChannelState.DISCONNECTED: ("Disconnected", "neutral"),
}


@dataclass(frozen=True)
class ChannelItem:
    """A channel and how it does."""

    kind: str
    name: str
    number: str
    word: str
    tone: str


class HomeState(rx.State):
    """What happened in the last 24 hours."""

    is_loaded: bool = False
    unread: int = 0
    new_leads: int = 0
    messages_in: int = 0
    messages_out: int = 0
    failures: int = 0
    calls: int = 0
    voicemails: int = 0
    threads: list[ThreadItem] = []
    channels: list[ChannelItem] = []

    @rx.event
    async def load(self) -> None:
        """Read the figures; also when something changed."""
        person = await client(self)
        tenant_id, since = person.tenant_id, datetime.now(UTC) - timedelta(hours=24)
        assert tenant_id is not None
        async with tenant_session(tenant_id) as session:
            traffic = await activity(session, tenant_id, since)
            self.unread = await inbox.count_unread(session, tenant_id, person.user_id)
            self.new_leads = await count_new_leads(session, tenant_id, since)
            latest = await inbox.list_threads(session, tenant_id, viewer=person.user_id, limit=LATEST)
            self.threads = [thread_item(row, "") for row in latest]
            self.channels = [_item(row) for row in await channels(session, tenant_id)]
        self.messages_in, self.messages_out = traffic.messages_in - traffic.calls, traffic.messages_out
        self.failures, self.calls, self.voicemails = traffic.failures, traffic.calls, traffic.voicemails
        self.is_loaded = True
        (await self.get_state(SessionState)).unread = self.unread
        await live.join(self, person, HomeState.load)


def _item(row: ChannelRow) -> ChannelItem:
    word, tone = HEALTH.get(row.state, ("Being set up", "info"))
    return ChannelItem(row.kind.value, CHANNEL_NAMES[row.kind], format_number(row.phone_number), word, tone)


def home_page() -> rx.Component:
    """The first page of a client."""
    return page(
        "Home",
        rx.cond(
            HomeState.is_loaded & (HomeState.channels.length() == 0) & (HomeState.threads.length() == 0),
            _first_steps(),
            rx.fragment(_figures(), rx.el.div(_latest(), _side(), class_name="home-grid")),
        ),
        active=routes.HOME,
        intro="The last 24 hours at a glance.",
    )


def _figures() -> rx.Component:
    failures = rx.cond(HomeState.failures > 0, HomeState.failures.to_string() + " not delivered", "All went out")
    voicemails = rx.cond(
        HomeState.voicemails == 1, "1 left a voicemail", HomeState.voicemails.to_string() + " left a voicemail"
    )
    return rx.el.div(
        stat("Unread", HomeState.unread.to_string(), icon="mail", note="Conversations"),
        stat("New leads", HomeState.new_leads.to_string(), icon="user-round-plus", note="First contact"),
        stat("Messages in", HomeState.messages_in.to_string(), icon="arrow-down-left", note="SMS and WhatsApp"),
        stat("Messages out", HomeState.messages_out.to_string(), icon="arrow-up-right", note=failures),
        stat("Calls", HomeState.calls.to_string(), icon="phone-incoming", note=voicemails),
        class_name="figures",
    )


def _latest() -> rx.Component:
    threads = rx.el.ul(rx.foreach(HomeState.threads, _thread), class_name="threads home-threads")
    nothing = empty_state("inbox", "No conversations yet", "They appear here as soon as somebody writes or calls.")
    return panel(
        rx.cond(HomeState.is_loaded, rx.cond(HomeState.threads.length() > 0, threads, nothing), skeleton_rows(5)),
        title="Latest conversations",
        actions=(link_button("Open inbox", routes.INBOX, small=True),),
        flush=True,
    )


def _thread(item: rx.Var[ThreadItem]) -> rx.Component:
    return rx.el.li(
        ReactRouterLink.create(
            lead_avatar(item.initials, item.tint),
            rx.el.div(
                rx.el.div(
                    rx.el.span(item.name, class_name="thread-name truncate"),
                    short_time(item.at),
                    class_name="thread-line",
                ),
                rx.el.div(
                    channel_mark(item.channel),
                    rx.el.span(item.preview, class_name="truncate grow"),
                    class_name="thread-line thread-preview",
                ),
                class_name="grow",
            ),
            to=item.href,
            class_name=rx.cond(item.unread > 0, "thread-link thread-unread", "thread-link"),
        ),
        key=item.id,
    )


def _side() -> rx.Component:
    rows = rx.el.ul(rx.foreach(HomeState.channels, _channel), class_name="rows")
    none = empty_state("radio-tower", "No channel connected", "Connect a number so that leads can reach you.")
    return rx.el.div(
        panel(
            rx.cond(HomeState.is_loaded, rx.cond(HomeState.channels.length() > 0, rows, none), skeleton_rows(3)),
            title="Channels",
            actions=(link_button("Manage", routes.CHANNELS, small=True),),
            flush=True,
        ),
        class_name="home-side",
    )


def _channel(item: rx.Var[ChannelItem]) -> rx.Component:
    return rx.el.li(
        channel_mark(item.kind),
        rx.el.div(
            rx.el.div(item.name, font_weight="540"),
            rx.el.div(item.number, class_name="soft", font_size="12.5px"),
            class_name="grow",
        ),
        status_badge(item.word, item.tone),
    )


def _first_steps() -> rx.Component:
    steps = (
        ("Connect a channel", "Get a number for SMS and calls, or bring your WhatsApp sender."),
        ("Test it", "Write to the number yourself: the message appears in your inbox within a second."),
        ("Answer your leads", "Everybody who writes or calls becomes a lead with one conversation."),
    )
    return panel(
        rx.el.ol(
            *[rx.el.li(rx.el.div(rx.el.strong(name), rx.el.div(text, class_name="soft"))) for name, text in steps],
            class_name="first-steps",
        ),
        rx.el.div(
            link_button("Connect a channel", routes.CHANNELS, icon="radio-tower", look="main"), margin_top="10px"
        ),
        title="Welcome",
        note="Three steps until your first lead.",
    )
