"""What Twilio's error codes mean to the people who meet them here."""

from dataclasses import dataclass
from enum import StrEnum


class Audience(StrEnum):
    """Who can do something about an error."""

    CLIENT = "client"
    OPERATOR = "operator"
    BOTH = "both"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A code in words. `link` is Twilio's own page about it, None without a code."""

    code: int | None
    sentence: str
    audience: Audience
    link: str | None


def describe(code: int | str | None) -> str:
    """One or two sentences for a page; an unknown code shows its number and Twilio's page about it."""
    return explain(code).sentence


def explain(code: int | str | None) -> Explanation:
    """Sentence, audience and link for a code as REST answers (int) or webhooks (text) give it."""
    number = _number(code)
    if number is None:
        return Explanation(None, "Twilio reported an error without a code.", Audience.OPERATOR, None)
    link = f"https://www.twilio.com/docs/errors/{number}"
    known = _BY_CODE.get(number)
    if known is None:
        return Explanation(number, f"Twilio reported error {number}. See {link}", Audience.OPERATOR, link)
    return Explanation(number, known[1], known[0], link)


def is_opt_out(code: int | str | None) -> bool:
    """The recipient has said STOP: nothing more may be sent to this person from this number."""
    return _number(code) == OPTED_OUT


def _number(code: int | str | None) -> int | None:
    text = str(code if code is not None else "").strip()
    # isdigit() alone lets superscripts through, which int() does not take.
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) <= 6 and int(text) else None


AUTHENTICATION_FAILED = 20003
NOT_FOUND = 20404
TOO_MANY_REQUESTS = 20429
OPTED_OUT = 21610
NUMBER_TAKEN = 21422
OUTSIDE_WHATSAPP_WINDOW = 63016

_C, _O, _B, _R = Audience.CLIENT, Audience.OPERATOR, Audience.BOTH, Audience.RETRY

_EXPLANATIONS: tuple[tuple[tuple[int, ...], Audience, str], ...] = (
    ((11200, 11205, 11206, 11210, 11220, 11235, 11236, 11237), _O, "Twilio could not deliver an event to the portal."),
    ((11100,), _O, "Twilio was given an address for the portal that is not valid."),
    ((11215,), _O, "The portal redirected Twilio too often."),
    ((11750,), _O, "The portal's answer to a call was too long for Twilio."),
    ((12100, 12200, 12300), _O, "Twilio could not read the portal's answer."),
    ((15003, 21609), _O, "Twilio could not report a delivery status to the portal."),
    ((57012,), _O, "Twilio cannot sign its requests: the auth token is being changed."),
    ((20003,), _O, "The connection to Twilio is lost: the credentials no longer work or the account is suspended."),
    ((20404,), _O, "Twilio does not have this any more."),
    ((20001, 20422), _O, "Twilio did not accept the request."),
    ((20409,), _O, "Twilio is still busy with an earlier change. Please try again in a moment."),
    ((20500, 20503), _R, "Twilio has a fault at the moment. Please try again in a few minutes."),
    ((20009,), _R, "Twilio cannot delete this yet, because it is still being processed."),
    ((20429,), _R, "Twilio is receiving too many requests at the moment. The portal tries again by itself."),
    ((10001, 20005, 30002, 21476, 21477, 21478, 21479), _B, "The service is suspended. Please contact your agency."),
    ((21480,), _O, "The agency's Twilio account cannot hold more clients. Ask Twilio for a higher limit."),
    ((21421,), _C, "This is not a valid phone number to buy."),
    ((21422,), _C, "Somebody else has just taken this number. Please choose another one."),
    ((21452,), _C, "There is no number on sale in this area. Please try another area."),
    ((21615,), _B, "This number can only be bought with a local address. Please contact your agency."),
    ((21631,), _B, "This number can only be bought with a registered address. Please contact your agency."),
    (
        (21649, 21650, 21651),
        _B,
        "The authorities ask for proof of identity for this number. Please contact your agency.",
    ),
    ((21211, 21217), _C, "The recipient's phone number is not valid."),
    ((21614, 21635, 30006), _C, "This is a landline or a number that cannot receive text messages."),
    ((30005,), _C, "The recipient's phone number does not exist."),
    ((21408,), _B, "Messages to this country are not enabled. Your agency can enable them."),
    ((13227, 21215), _B, "Calls to this country are not enabled. Your agency can enable them."),
    ((21612,), _C, "No message can be sent from your number to this recipient."),
    ((21602,), _C, "The message is empty."),
    ((21617,), _C, "The message is longer than 1600 characters."),
    (
        (21620, 21623, 11751, 63019, 63034),
        _C,
        "The attached file could not be sent. It may be too large or of the wrong kind.",
    ),
    ((21603, 21606, 21703, 21704, 21712), _B, "Your number cannot be used for sending. Please contact your agency."),
    (
        (21610,),
        _C,
        "This person has unsubscribed by sending STOP. No more messages can be sent to them until they send START.",
    ),
    ((21608,), _B, "A trial account can only write to verified numbers. Please contact your agency."),
    ((21654, 21655, 21656, 63027, 63028, 63041), _C, "WhatsApp did not accept the message template or its values."),
    ((30001, 21611, 30022, 30023), _C, "Too many messages are waiting. Please try again later."),
    (
        (30027, 30036, 63017, 63018, 63038),
        _C,
        "A sending limit was reached or the message expired. Please try again later.",
    ),
    ((30003,), _C, "The recipient's phone is switched off or out of reach."),
    ((30004,), _C, "The recipient's phone or carrier blocks this message."),
    ((30007,), _C, "A carrier filtered the message as unwanted. Try a different wording."),
    ((30008,), _C, "The message could not be delivered, and the carrier gave no reason."),
    ((30032,), _B, "Your toll-free number is not verified yet. Please contact your agency."),
    ((30033,), _B, "The carriers have suspended your messaging registration. Please contact your agency."),
    ((30034,), _B, "Your number is not registered for business messages in the US yet. Please contact your agency."),
    ((30035,), _B, "The registration of your number is still being set up. Please try again later."),
    ((30450,), _C, "The message was blocked to protect you from fraud."),
    ((63003, 63024), _C, "This person cannot be reached on WhatsApp."),
    ((63033,), _C, "This person has blocked your WhatsApp number."),
    ((63015,), _C, "This person has not joined the WhatsApp test number yet."),
    (
        (63016,),
        _C,
        "The last message from this person is older than 24 hours, so WhatsApp only accepts an approved template.",
    ),
    ((63001, 63007), _B, "WhatsApp is not connected properly. Please contact your agency."),
    ((63005,), _B, "WhatsApp did not accept the content of this message."),
    ((63012,), _B, "WhatsApp has a fault at the moment. Please try again later."),
    ((63013,), _B, "The message breaks a rule of WhatsApp. Please contact your agency."),
    ((63020,), _B, "The invitation of the WhatsApp business account was not accepted yet. Please contact your agency."),
    ((60200,), _C, "WhatsApp did not accept this template. Check its text, its buttons and its samples."),
    ((63100,), _C, "WhatsApp did not accept this. Check the number, the display name or the verification code."),
    ((63051,), _B, "WhatsApp has locked your business account. Please contact your agency."),
)
# Built once: every failed message on a page asks.
_BY_CODE = {code: (audience, sentence) for codes, audience, sentence in _EXPLANATIONS for code in codes}
KNOWN_CODES = frozenset(_BY_CODE)
