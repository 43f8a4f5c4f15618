"""Two phones of two leads: what they write, and what comes back."""

import asyncio
from dataclasses import replace
from typing import Any

import reflex as rx

from tenant_portal.channels.rules import e164
from tenant_portal.config import settings
from tenant_portal.errors import PortalError
from tenant_portal.simulator.handset import Place, Receipt, handset
from tenant_portal.ui.pages.simulator.phones import CHANNELS, LineItem, PhoneItem, bubble, line_item
from tenant_portal.ui.session_state import form_text, staff

LEADS = ("+14155550188", "+14155550177")
CAFE = Place(37.7793, -122.4193, "1 Dr Carlton B Goodlett Pl, San Francisco", "City Hall")
NEWEST = 60


class HandsetState(rx.State):
    """Both phones and the numbers they can reach."""

    is_loaded: bool = False
    is_live: bool = False
    trouble: str = ""
    lines: list[LineItem] = []
    phones: list[PhoneItem] = []

    @rx.event
    async def load(self) -> None:
        """The page was opened: the first two clients, one on each phone."""
        await staff(self)
        self.is_live = settings().twilio_mode == "live"
        if not self.phones:
            self.phones = [PhoneItem(side, f"Phone {'AB'[side]}", lead) for side, lead in enumerate(LEADS)]
        await _read(self)
        self.is_loaded = True

    @rx.event
    async def refresh(self) -> None:
        """Read again; the page asks every second."""
        await staff(self)
        await _read(self)

    @rx.event
    async def choose_line(self, side: int, number: str) -> None:
        """Write to another number."""
        await staff(self)
        _change(self, side, number=number, note="")
        await _read(self)

    @rx.event
    async def choose_lead(self, side: int, phone: str) -> None:
        """Be another lead."""
        await staff(self)
        try:
            _change(self, side, lead=e164(phone), note="")
        except PortalError as error:
            _change(self, side, note=error.message)
        await _read(self)

    @rx.event
    async def choose_channel(self, side: int, channel: str) -> None:
        """SMS, WhatsApp or a call."""
        await staff(self)
        if channel in CHANNELS:
            _change(self, side, channel=channel, note="")

    @rx.event
    async def send(self, side: int, form: dict[str, Any]) -> None:
        """Write what is in the field."""
        await staff(self)
        text = form_text(form, "text", 1600)
        if text.strip():
            await _write(self, side, body=text)

    @rx.event
    async def press(self, side: int, what: str) -> None:
        """A picture, a place, an emoji, a button, STOP."""
        await staff(self)
        extras: dict[str, dict[str, Any]] = {
            "picture": {"body": "Look at this", "pictures": 1},
            "place": {"place": CAFE},
            "emoji": {"body": "👍🏽🎉"},
            "button": {"body": "Yes, please", "button": ("Yes, please", "yes")},
            "stop": {"body": "STOP"},
        }
        if what in extras:
            await _write(self, side, **extras[what])

    @rx.event
    async def call(self, side: int) -> None:
        """Call and leave the sample voicemail."""
        await staff(self)
        phone = _phone(self, side)
        if phone is None or not phone.number:
            return
        try:
            async with handset() as phones:
                await phones.call(phone.lead, phone.number, caller_name="Sample Caller")
            note = "The call is under way; recording and transcript follow."
        except PortalError as error:
            note = error.message
        _change(self, side, note=note)
        await _read(self)


async def _write(state: HandsetState, side: int, **letter: Any) -> None:
    phone = _phone(state, side)
    if phone is None or not phone.number:
        return
    is_whatsapp = phone.channel == "whatsapp"
    if not is_whatsapp:
        letter.pop("button", None)
        letter = {"body": "Meet me at City Hall"} if letter.pop("place", None) else letter
    try:
        async with handset() as phones:
            receipt = await phones.write(phone.lead, phone.number, whatsapp=is_whatsapp, **_named(letter, is_whatsapp))
        note = _refusal(receipt)
    except PortalError as error:
        note = error.message
    _change(state, side, note=note)
    await _read(state)


def _named(letter: dict[str, Any], is_whatsapp: bool) -> dict[str, Any]:
    return letter | {"profile_name": "Sample Lead"} if is_whatsapp else letter


def _refusal(receipt: Receipt) -> str:
    if receipt.accepted:
        return ""
    if not receipt.sent:
        return "This number has no address set for this channel, or its client is suspended: nothing was sent."
    return f"The portal did not take it (HTTP {receipt.status or 'no answer'}, Twilio {receipt.error_code})."


def _phone(state: HandsetState, side: int) -> PhoneItem | None:
    return state.phones[side] if 0 <= side < len(state.phones) else None


def _change(state: HandsetState, side: int, **values: Any) -> None:
    state.phones = [replace(phone, **values) if phone.side == side else phone for phone in state.phones]


async def _read(state: HandsetState) -> None:
    """Numbers, codes and both histories, as they are now."""
    if state.is_live:
        return
    try:
        async with handset() as phones:
            found, codes = await asyncio.gather(phones.lines(), phones.verification_codes())
            lines = [line_item(line, codes.get(line.phone_number, "")) for line in found]
            state.lines = sorted(lines, key=lambda line: (line.client, line.number))
            seated = [_seated(phone, state.lines) for phone in state.phones]
            talks = await asyncio.gather(*(phones.conversation(phone.lead, phone.number) for phone in seated))
        filled = [
            replace(phone, bubbles=[bubble(entry) for entry in talk[-NEWEST:]])
            for phone, talk in zip(seated, talks, strict=True)
        ]
        if filled != state.phones:
            state.phones = filled
        state.trouble = ""
    except PortalError as error:
        state.trouble = error.message


def _seated(phone: PhoneItem, lines: list[LineItem]) -> PhoneItem:
    """The phone with its line's client and code; the first phone takes the first client, the second the next one."""
    line = next((line for line in lines if line.number == phone.number), None)
    if line is None and lines:
        clients = list(dict.fromkeys(line.client for line in lines))
        wanted = clients[phone.side % len(clients)]
        line = next(line for line in lines if line.client == wanted)
    if line is None:
        return phone
    return replace(phone, number=line.number, client=line.client, code=line.code)
