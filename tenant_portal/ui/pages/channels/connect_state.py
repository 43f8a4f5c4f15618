"""What the guided way to a new channel knows and does."""

from collections.abc import Awaitable
from typing import Any

import reflex as rx

from tenant_portal.channels import numbers, rules, service
from tenant_portal.channels.numbers import Number, Search
from tenant_portal.channels.rules import Actor
from tenant_portal.channels.service import Wish, actor_of
from tenant_portal.db import announce, tenant_session
from tenant_portal.errors import BadInput, PortalError
from tenant_portal.identity.queries import Person
from tenant_portal.models.enums import ChannelKind
from tenant_portal.tenants.queries import tenant_name
from tenant_portal.ui import routes
from tenant_portal.ui.session_state import client, form_text

SOURCES = ("new", "owned", "other")
NONE_FOUND = "Twilio has no such number on sale at the moment. Try another area, or fewer digits."
NONE_OWNED = "You do not have a number yet."


class ConnectState(rx.State):
    """Which channels, which number, and what it will cost. Prices and abilities are the server's own findings."""

    kinds: list[str] = [ChannelKind.SMS.value]
    source: str = "new"
    country: str = "US"
    results: list[Number] = []
    searching: bool = False
    searched: bool = False
    problem: str = ""
    chosen: Number | None = None
    business: str = ""
    is_begun: bool = False
    connecting: bool = False

    @rx.var
    def wants_whatsapp(self) -> bool:
        """Whether the form asks for WhatsApp's details."""
        return ChannelKind.WHATSAPP.value in self.kinds

    @rx.var
    def only_whatsapp(self) -> bool:
        """Whether a phone from elsewhere will do."""
        return self.kinds == [ChannelKind.WHATSAPP.value]

    @rx.event
    async def load(self) -> None:
        """The page was opened, or its connection came back in the middle: then what was chosen stays chosen."""
        person = await client(self)
        actor = actor_of(person)
        async with tenant_session(actor.tenant_id) as session:
            self.business = await tenant_name(session, actor.tenant_id)
        # A search does not outlive the connection it was asked on.
        self.searching = False
        if not self.is_begun:
            self.kinds, self.source, self.country = [ChannelKind.SMS.value], "new", "US"
            _forget(self)
            self.is_begun, self.connecting = True, False

    @rx.event
    async def toggle_kind(self, kind: str) -> None:
        """Choose a channel or drop it again."""
        await client(self)
        wanted = set(self.kinds) ^ ({kind} & set(ChannelKind))
        self.kinds = [one.value for one in service.ORDER if one in wanted]
        if self.source == "other" and not self.only_whatsapp:
            self.source = "new"
        _forget(self)

    @rx.event
    async def choose_country(self, country: str) -> None:
        """Remember the country: only some have area codes."""
        await client(self)
        self.country = country if country in numbers.COUNTRY_CODES else "US"

    @rx.event(background=True)
    async def choose_source(self, source: str) -> None:
        """A new number, one that is there already, or a phone from elsewhere."""
        async with self:
            person = await client(self)
            self.source = source if source in SOURCES else "new"
            _forget(self)
            self.searching = self.source == "owned"
        if self.source == "owned":
            await _find(self, numbers.owned(actor_of(person)), NONE_OWNED)

    @rx.event(background=True)
    async def search(self, form: dict[str, Any]) -> None:
        """Ask Twilio what is on sale. In the background, since Twilio may take seconds."""
        async with self:
            person = await client(self)
            kinds = set(self.kinds)
            _forget(self)
            self.searching = True
        await _find(self, numbers.on_sale(actor_of(person), _search(form, kinds)), NONE_FOUND)

    @rx.event
    async def choose(self, phone_number: str) -> None:
        """Take one of the numbers that were found; an empty text goes back to them."""
        await client(self)
        self.chosen = next((one for one in self.results if one.phone_number == phone_number), None)
        self.problem = ""

    @rx.event
    async def choose_other(self, form: dict[str, Any]) -> None:
        """Take a phone from elsewhere for WhatsApp."""
        await client(self)
        try:
            number = rules.e164(form_text(form, "phone_number", 40))
        except BadInput as error:
            self.problem = error.message
            return
        shown = rules.display(number)
        self.problem = ""
        self.chosen = Number(number, shown, "Your own phone", rules.country_of(number), "", True, False, True)

    @rx.event
    async def connect(self, form: dict[str, Any]) -> Any:
        """Ask for the channels; the Channels page shows how it goes on."""
        person = await client(self)
        if self.connecting or self.chosen is None:
            return None
        try:
            await _connect(person, _wish(self, self.chosen, form))
        except PortalError as error:
            self.problem = error.message
            return None
        self.connecting, self.is_begun = True, False
        return rx.redirect(routes.CHANNELS)


def _forget(state: ConnectState) -> None:
    state.results, state.chosen, state.problem = [], None, ""
    state.searching, state.searched = False, False


async def _find(state: ConnectState, looking: Awaitable[list[Number]], nothing: str) -> None:
    found: list[Number] = []
    try:
        found = await looking
        problem = "" if found else nothing
    except PortalError as error:
        problem = error.message
    async with state:
        state.results, state.problem = found, problem
        state.searching, state.searched = False, True


def _search(form: dict[str, Any], kinds: set[str]) -> Search:
    sms, voice, whatsapp = (
        {kind.value} <= kinds for kind in (ChannelKind.SMS, ChannelKind.VOICEMAIL, ChannelKind.WHATSAPP)
    )
    country = form_text(form, "country", 2)
    return Search(
        country=country,
        number_type=form_text(form, "number_type", 20),
        area_code=form_text(form, "area_code", 10) if country in ("US", "CA") else "",
        digits=form_text(form, "digits", 30),
        sms=sms or (whatsapp and not voice),
        voice=voice,
    )


def _wish(state: ConnectState, chosen: Number, form: dict[str, Any]) -> Wish:
    if chosen.obstacle:
        raise BadInput(chosen.obstacle)
    return Wish(
        kinds=frozenset(ChannelKind(kind) for kind in state.kinds),
        phone_number=chosen.phone_number,
        country=chosen.country,
        number_sid=chosen.number_sid or None,
        own_number=state.source == "other",
        sms=chosen.sms,
        voice=chosen.voice,
        monthly_price=chosen.price,
        display_name=form_text(form, "display_name", 200),
        waba_id=form_text(form, "waba_id", 40),
        verification_method=form_text(form, "verification_method", 10) or "sms",
    )


async def _connect(person: Person, wish: Wish) -> None:
    actor: Actor = actor_of(person)
    async with tenant_session(actor.tenant_id) as session:
        await service.connect(session, actor, wish)
        await announce(session, actor.tenant_id)
