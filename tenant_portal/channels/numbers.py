"""Numbers a client can connect: on sale at Twilio, or already theirs. No transaction is open during a call."""

from dataclasses import dataclass
from decimal import Decimal

from tenant_portal.channels import rules
from tenant_portal.channels.rules import Actor
from tenant_portal.db import tenant_session
from tenant_portal.errors import BadInput, NotAllowed
from tenant_portal.tenants.service import credentials
from tenant_portal.twilio_gateway.clients import tenant_gateway
from tenant_portal.twilio_gateway.gateway import (
    AvailableNumber,
    Capabilities,
    NumberSearch,
    NumberType,
    TenantGateway,
)

COUNTRY_CODES = frozenset(code for code, _ in rules.COUNTRIES)
MOST_RESULTS = 12
PROOF_NEEDED = "A proof of address is needed for this number. Please ask your agency."


@dataclass(frozen=True, slots=True)
class Number:
    """A number to choose. `price` is like `1.15 USD`, empty if unknown; `obstacle` says why it cannot be bought."""

    phone_number: str
    shown: str
    place: str
    country: str
    kind: str
    sms: bool
    mms: bool
    voice: bool
    price: str = ""
    obstacle: str = ""
    number_sid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a client looks for. An area code has three digits (US, Canada); `digits` are part of a number."""

    country: str
    number_type: str = "local"
    area_code: str = ""
    digits: str = ""
    sms: bool = False
    voice: bool = False


async def on_sale(actor: Actor, search: Search) -> list[Number]:
    """Numbers that Twilio sells and that fit, with their monthly price; BadInput, NotAllowed, TwilioError."""
    wanted = _wanted(search)
    gateway = await gateway_of(actor)
    return [_for_sale(number) for number in await gateway.search_numbers(wanted)]


async def owned(actor: Actor) -> list[Number]:
    """Numbers the client's subaccount owns already."""
    gateway = await gateway_of(actor)
    return [
        Number(
            phone_number=number.phone_number,
            shown=rules.display(number.phone_number),
            place="Already yours",
            country="",
            kind="",
            sms=number.capabilities.sms,
            mms=number.capabilities.mms,
            voice=number.capabilities.voice,
            number_sid=number.sid,
        )
        for number in await gateway.list_numbers()
    ]


async def gateway_of(actor: Actor) -> TenantGateway:
    """The client's door to Twilio, for somebody who may change channels; NotAllowed, NotConnected."""
    if not actor.may_change:
        raise NotAllowed("Only an owner can change channels.")
    async with tenant_session(actor.tenant_id) as session:
        found = await credentials(session, actor.tenant_id)
    return tenant_gateway(found.account_sid, found.auth_token)


def _wanted(search: Search) -> NumberSearch:
    if search.country not in COUNTRY_CODES:
        raise BadInput("Choose one of the countries.", field="country")
    if search.number_type not in set(NumberType):
        raise BadInput("Choose one of the kinds of number.", field="number_type")
    area, digits = search.area_code.strip(), search.digits.strip().replace(" ", "").replace("-", "")
    if area and not (area.isascii() and area.isdigit() and len(area) == 3):
        raise BadInput("An area code has three digits, such as 415.", field="area_code")
    if digits and not (digits.isascii() and digits.replace("*", "").isalnum() and 2 <= len(digits) <= 16):
        raise BadInput("Give 2 to 16 digits or letters; * stands for any digit.", field="digits")
    return NumberSearch(
        country=search.country,
        number_type=NumberType(search.number_type),
        area_code=int(area) if area else None,
        contains=digits or None,
        needs=Capabilities(sms=search.sms, voice=search.voice),
        limit=MOST_RESULTS,
    )


def _for_sale(number: AvailableNumber) -> Number:
    place = ", ".join(part for part in (number.locality, number.region) if part)
    return Number(
        phone_number=number.phone_number,
        shown=rules.display(number.phone_number),
        place=place,
        country=number.country,
        kind=number.number_type.value,
        sms=number.capabilities.sms,
        mms=number.capabilities.mms,
        voice=number.capabilities.voice,
        price=_price(number.monthly_price, number.currency),
        obstacle="" if number.address_requirements == "none" else PROOF_NEEDED,
    )


def _price(price: Decimal | None, currency: str) -> str:
    return f"{price:.2f} {currency}" if price is not None else ""
