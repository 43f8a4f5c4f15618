"""Who plays: two clients that know nothing of each other, and a member of staff."""

from dataclasses import dataclass, field
from uuid import UUID

from tenant_portal.identity.queries import Person


@dataclass(frozen=True, slots=True)
class Member:
    """A person who is signed in through the front: `cookie` is the whole Cookie header of the browser."""

    person: Person
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Actor:
    """A synthetic client with traffic of its own.

    `canary` is a word that stands in every text of this client and nowhere else; `label` stands in what staff may see.
    `old_token` once signed for it and does no more. `call` and `sent` are the (id, SID) of a call and of an answer
    in its thread; `ids` are the ids of its rows by table.
    """

    letter: str
    tenant_id: UUID
    canary: str = field(repr=False)
    label: str
    account_sid: str
    auth_token: str = field(repr=False)
    old_token: str = field(repr=False)
    number: str
    owner: Member
    call: tuple[str, str]
    sent: tuple[str, str]
    ids: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    def an_id(self, table: str) -> str:
        """The id of a row of this client in `table`."""
        return self.ids[table][0]

    @property
    def traces(self) -> tuple[str, ...]:
        """What nobody but this client may ever receive: texts, ids, account, secrets."""
        ids = {one for found in self.ids.values() for one in found}
        return (self.canary, self.label, self.account_sid, self.auth_token, str(self.tenant_id), *sorted(ids))


@dataclass(frozen=True, slots=True)
class Stage:
    """Everybody, for the length of one check. `agent` is a second person of client B."""

    run_id: str
    a: Actor
    b: Actor
    staff: Member
    agent: Member
    parent_token: str = field(repr=False)

    def other(self, actor: Actor) -> Actor:
        """The other client."""
        return self.b if actor is self.a else self.a
