"""How an SMS is cut into segments, which is what carriers count and bill (3GPP TS 23.038 and 23.040)."""

from dataclasses import dataclass

GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# These take an escape character and so the room of two.
GSM_7_EXTENSION = frozenset("^{}\\[~]|€\f")
GSM_7_LIMITS = (160, 153)
UCS_2_LIMITS = (70, 67)


@dataclass(frozen=True, slots=True)
class Segments:
    """Number of segments and how many characters still fit into the last one."""

    count: int
    remaining: int
    encoding: str


def count_segments(body: str) -> Segments:
    """Segments of an SMS with this text; an empty one has none."""
    if all(letter in GSM_7 or letter in GSM_7_EXTENSION for letter in body):
        widths = [2 if letter in GSM_7_EXTENSION else 1 for letter in body]
        return _cut(widths, GSM_7_LIMITS, "GSM-7")
    widths = [2 if ord(letter) > 0xFFFF else 1 for letter in body]
    return _cut(widths, UCS_2_LIMITS, "UCS-2")


def first_beyond_gsm(body: str) -> str:
    """The first character that makes this text UCS-2; empty for a GSM-7 text."""
    return next((letter for letter in body if letter not in GSM_7 and letter not in GSM_7_EXTENSION), "")


def _cut(widths: list[int], limits: tuple[int, int], encoding: str) -> Segments:
    alone, joined = limits
    total = sum(widths)
    if total <= alone:
        return Segments(1 if widths else 0, alone - total, encoding)
    count, room = 1, joined
    for width in widths:
        # A character of two units is never split over two segments.
        if width > room:
            count, room = count + 1, joined
        room -= width
    return Segments(count, room, encoding)
