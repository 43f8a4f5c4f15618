"""Whose request is it, and is it theirs? Pure decisions over a received request."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl
from uuid import UUID

from tenant_portal.front_door.accounts import Account
from tenant_portal.front_door.received import Received
from tenant_portal.front_door.refusal import Refused, names_of
from tenant_portal.twilio_gateway.errors import MalformedForm
from tenant_portal.twilio_gateway.signatures import Parameters, parse_form, verify_form

ACCOUNT_SID = re.compile(r"AC[0-9a-f]{32}\Z")
# An unknown account costs as much time as a forged one.
NOBODYS_TOKEN = "0" * 32


@dataclass(frozen=True, slots=True)
class Claim:
    """A well-formed request and the account it claims to be of; `values` holds the first value of each parameter."""

    received: Received
    parameters: Parameters
    values: Mapping[str, str]
    account_sid: str


class Webhook:
    """A request that is proven to be of one active tenant's subaccount. `get` gives the first value of a parameter."""

    __slots__ = ("_values", "account_sid", "received", "tenant_id")

    def __init__(self, claim: Claim, tenant_id: UUID) -> None:
        self.received = claim.received
        self.account_sid = claim.account_sid
        self.tenant_id = tenant_id
        self._values = claim.values

    def get(self, name: str) -> str:
        """The value, "" if it was not sent; NUL, which PostgreSQL cannot keep, is U+FFFD."""
        value = self._values.get(name, "")
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in value else value

    def has_any(self, names: AbstractSet[str]) -> bool:
        """Whether one of these parameters was sent, blank or not."""
        return not names.isdisjoint(self._values)

    def need(self, name: str) -> str:
        """The value; Refused 400 if it is missing or blank."""
        value = self.get(name)
        if not value:
            raise Refused(400, "missing-parameter", names=name)
        return value

    def whole(self, name: str) -> int | None:
        """A decimal number of up to nine digits, None for anything else."""
        value = self.get(name).strip()
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None

    @property
    def message_id(self) -> UUID:
        """The id that its message will have."""
        return self.received.message_id

    @property
    def received_at(self) -> datetime | None:
        """When it came in, if that is not now."""
        return self.received.received_at


def claim(received: Received) -> Claim:
    """Read the form and whose it says it is. Refused: 400 malformed, 403 unless URL and form name one same account."""
    try:
        parameters = parse_form(received.body)
    except MalformedForm:
        raise Refused(400, "malformed") from None
    values = dict(reversed(parameters))
    in_form, in_url = values.get("AccountSid", ""), _accounts(received.query)
    is_repeated = len(values) < len(parameters) and sum(name == "AccountSid" for name, _ in parameters) > 1
    if is_repeated or len(in_url) != 1 or not ACCOUNT_SID.match(in_form):
        raise Refused(403, "account-unclear", names=names_of(parameters))
    if in_form != in_url[0]:
        raise Refused(403, "account-mismatch", names=names_of(parameters))
    return Claim(received, parameters, values, in_form)


def _accounts(query: str) -> list[str]:
    name, _, value = query.partition("=")
    if name == "account" and ACCOUNT_SID.match(value):
        return [value]  # nothing else in it, nothing to decode: what Twilio sends
    return [value for name, value in parse_qsl(query, keep_blank_values=True) if name == "account"]


def is_signed(claimed: Claim, account: Account | None) -> bool:
    """Whether one of the account's own tokens signed it; a shared key, a secret we do not hold, never counts."""
    received = claimed.received
    tokens = account.tokens() if account else (NOBODYS_TOKEN,)
    right = verify_form(received.url, claimed.parameters, received.signature, [token for token in tokens if token])
    return right and account is not None and not received.names_shared_key


def account_in_url(received: Received) -> str:
    """The account a request's URL names; to be used once `claim` has agreed."""
    return _accounts(received.query)[0]
