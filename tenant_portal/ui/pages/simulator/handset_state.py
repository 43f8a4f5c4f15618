"""Two phones of two leads: what they write, and what comes back."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import reflex as rx

from tenant_portal.channels.rules import display, e164
from tenant_portal.config import settings
from tenant_portal.errors import PortalError
from tenant_portal.simulator.handset import Entry, Place, Receipt, handset
from tenant_portal.ui.pages.simulator.phones import (
    CHANNELS,
    LineItem,
    PhoneItem,
    bubbles,
    count_arrived,
    is_calling,
    line_item,
)
from tenant_portal.ui.session_state import form_text, staff

FIRST, SECOND = PhoneItem(0, "Maria Lopez", "+14155550188"), PhoneItem(1, "Ben Carter", "+14155550177")
OWNERS = {phone.lead: phone.owner for phone in (FIRST, SECOND)}
CITY_HALL = Place(37.7793, -122.4193, "1 Dr Carlton B Goodlett Pl, San Francisco", "City Hall")
# A text message carries no location: phones send a link.
PLACE_LINK = "City Hall, San Francisco https://maps.example/?q=37.7793,-122.4193"
LONGEST_TEXT, LONGEST_NUMBER = 1600, 40
NEWEST = 60


class HandsetState(rx.State):
    """Both phones and the numbers they can reach; `shown` is the one that a narrow screen shows."""

    is_loaded: bool = False
    is_live: bool = False
    trouble: str = ""
    sample: str = ""
    shown: int = 0
    lines: list[LineItem] = []
    left: PhoneItem = FIRST
    right: PhoneItem = SECOND
    # How many messages of a phone, a number and a channel somebody has looked at.
    _seen: dict[str, int] = {}

    @rx.event
    async def load(self) -> None:
        """The page was opened: the first two clients, one on each phone."""
        await staff(self)
        self.is_live = settings().twilio_mode == "live"
        await _read(self)
        self.is_loaded = True

    @rx.event
    async def refresh(self) -> None:
        """Read again; the page asks about twice a second."""
        await staff(self)
        await _read(self)

    @rx.event
    async def show(self, side: int) -> None:
        """The other phone, on a narrow screen."""
        await staff(self)
        self.shown = 1 if side else 0

    @rx.event
    async def choose_line(self, side: int, number: str) -> None:
        """Write to another number."""
        await staff(self)
        _put(self, replace(_phone(self, side), number=number, note=""))
        await _read(self)

    @rx.event
    async def choose_lead(self, side: int, phone: str) -> None:
        """Be another lead."""
        await staff(self)
        try:
            lead = e164(phone[:LONGEST_NUMBER])
            _put(self, replace(_phone(self, side), lead=lead, owner=OWNERS.get(lead, display(lead)), note=""))
        except PortalError as error:
            _tell(self, side, error.message)
        await _read(self)

    @rx.event
    async def choose_channel(self, side: int, channel: str) -> None:
        """Text messages, WhatsApp or calls."""
        await staff(self)
        if channel in CHANNELS:
            _put(self, replace(_phone(self, side), channel=channel, note=""))
        await _read(self)

    @rx.event
    async def send(self, side: int, form: dict[str, Any]) -> None:
        """Write what is in the field."""
        await staff(self)
        text = form_text(form, "text", LONGEST_TEXT)
        if text.strip():
            await _write(self, side, body=text)

    @rx.event
    async def press(self, side: int, what: str) -> None:
        """A picture, a place, an emoji, a button, STOP."""
        await staff(self)
        is_whatsapp = _phone(self, side).channel == "whatsapp"
        letters: dict[str, dict[str, Any]] = {
            "picture": {"body": "Could it look like this?", "pictures": 1},
            "place": {"place": CITY_HALL} if is_whatsapp else {"body": PLACE_LINK},
            "emoji": {"body": "👍🏽🎉"},
            "button": {"body": "Yes, please", "button": ("Yes, please", "yes")} if is_whatsapp else {"body": "Yes"},
            "stop": {"body": "STOP"},
        }
        if what in letters:
            await _write(self, side, **letters[what])

    @rx.event
    async def tap(self, side: int, text: str, code: str) -> None:
        """A button of a template; `code` is what it sends back beside its text."""
        await staff(self)
        if _phone(self, side).channel == "whatsapp":
            await _write(self, side, body=text[:LONGEST_TEXT], button=(text[:LONGEST_TEXT], code[:LONGEST_TEXT]))

    @rx.event
    async def call(self, side: int) -> None:
        """Call and leave the sample voicemail."""
        await staff(self)
        phone = _phone(self, side)
        if not phone.number or phone.is_calling:
            return
        try:
            async with handset() as phones:
                await phones.call(phone.lead, phone.number, caller_name=OWNERS.get(phone.lead, ""))
            _tell(self, side, "")
        except PortalError as error:
            _tell(self, side, error.message)
        await _read(self)


async def _write(state: HandsetState, side: int, **letter: Any) -> None:
    phone = _phone(state, side)
    if not phone.number or phone.channel == "call":
        return
    is_whatsapp = phone.channel == "whatsapp"
    if is_whatsapp:
        letter["profile_name"] = OWNERS.get(phone.lead, "")
    try:
        async with handset() as phones:
            receipt = await phones.write(phone.lead, phone.number, whatsapp=is_whatsapp, **letter)
        _tell(state, side, _refusal(receipt))
    except PortalError as error:
        _tell(state, side, error.message)
    await _read(state)


def _refusal(receipt: Receipt) -> str:
    if receipt.accepted:
        return ""
    if not receipt.sent:
        return "Nothing was sent: the number is not connected for this, or its client is suspended."
    return f"The portal did not take it (HTTP {receipt.status or 'no answer'}, Twilio {receipt.error_code})."


def _phone(state: HandsetState, side: int) -> PhoneItem:
    return state.right if side else state.left


def _put(state: HandsetState, phone: PhoneItem) -> None:
    """Only what has changed goes to the browser."""
    if phone == _phone(state, phone.side):
        return
    if phone.side:
        state.right = phone
    else:
        state.left = phone


def _tell(state: HandsetState, side: int, note: str) -> None:
    _put(state, replace(_phone(state, side), note=note))


async def _read(state: HandsetState) -> None:
    """Numbers, codes and both histories, as they are now."""
    if state.is_live:
        return
    trouble = ""
    try:
        async with handset() as phones:
            found, codes = await asyncio.gather(phones.lines(), phones.verification_codes())
            lines = [line_item(line, codes.get(line.phone_number, "")) for line in found]
            seated = [_seated(phone, lines) for phone in (state.left, state.right)]
            talks = await asyncio.gather(*(phones.conversation(phone.lead, phone.number) for phone in seated))
            if not state.sample:
                state.sample = (await phones.choices()).sounds[0].words
        if lines != state.lines:
            state.lines = lines
        for phone, talk in zip(seated, talks, strict=True):
            _put(state, _filled(state, phone, talk))
    except PortalError as error:
        trouble = error.message
    if trouble != state.trouble:
        state.trouble = trouble


def _seated(phone: PhoneItem, lines: list[LineItem]) -> PhoneItem:
    """The phone with its line's client and code; the first phone takes the first client, the second the next one."""
    line = next((line for line in lines if line.number == phone.number), None)
    if line is None and lines:
        clients = list(dict.fromkeys(line.client for line in lines))
        wanted = clients[phone.side % len(clients)]
        line = next(line for line in lines if line.client == wanted)
    if line is None:
        return replace(phone, number="", shown_number="", client="", code="")
    return replace(
        phone,
        number=line.number,
        shown_number=display(line.number),
        client=line.client,
        code=line.code,
        is_connected={"sms": line.sms, "whatsapp": line.whatsapp, "call": line.call}[phone.channel],
    )


def _filled(state: HandsetState, phone: PhoneItem, talk: Sequence[Entry]) -> PhoneItem:
    fresh = [channel for channel in CHANNELS if _is_fresh(state, phone, channel, count_arrived(talk, channel))]
    shown = bubbles(talk, phone.channel, NEWEST)
    return replace(phone, bubbles=shown, fresh=fresh, is_calling=is_calling(talk))


def _is_fresh(state: HandsetState, phone: PhoneItem, channel: str, arrived: int) -> bool:
    key = f"{phone.side} {phone.lead} {phone.number} {channel}"
    if channel == phone.channel or key not in state._seen:
        state._seen[key] = arrived
    return arrived > state._seen[key]
