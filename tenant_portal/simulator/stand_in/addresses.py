"""Addresses of messages: plain numbers and their WhatsApp form."""

import math
import re
import string

WHATSAPP = "whatsapp:"
E164 = re.compile(r"\+[1-9]\d{6,14}")
GSM_BASIC = frozenset(
    string.ascii_letters + string.digits + "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€\f")


def is_whatsapp(address: str) -> bool:
    """Whether the address is a WhatsApp one."""
    return address.startswith(WHATSAPP)


def bare(address: str) -> str:
    """The phone number in an address."""
    return address.removeprefix(WHATSAPP)


def is_valid(address: str) -> bool:
    """Whether the address has a phone number in E.164."""
    return E164.fullmatch(bare(address)) is not None


def segments(body: str) -> int:
    """How many text messages a body takes: 160 GSM characters or 70 others fit in one, fewer in each of several."""
    if all(sign in GSM_BASIC or sign in GSM_EXTENDED for sign in body):
        size, single, part = sum(1 + (sign in GSM_EXTENDED) for sign in body), 160, 153
    else:
        size, single, part = len(body.encode("utf-16-le")) // 2, 70, 67
    return 1 if size <= single else math.ceil(size / part)
