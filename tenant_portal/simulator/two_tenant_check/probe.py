"""What a probe is, and the one list of all of them.

A probe tries to get across the wall in one way. It returns a line of evidence, raises Leak where it got through,
Skipped where this installation gives it nothing to try. Anything else is an error: the check is then blind, not green.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tenant_portal.simulator.two_tenant_check.context import Context

Run = Callable[[Context], Awaitable[str]]
Family = Callable[[Context], Iterable["Probe"]]
EVIDENCE_CHARACTERS = 300


class Group(StrEnum):
    """What a probe looks at; also the order in which they run."""

    DATABASE = "Database"
    WEBHOOKS = "Webhooks"
    ROUTING = "Messages"
    PAGES = "Page handlers"
    ROUTES = "Web addresses"
    LIVE = "Live updates"
    SECRECY = "Canary search"


class Outcome(StrEnum):
    """`error` is as bad as a leak: what was not looked at is not known to be tight."""

    PASS = "pass"  # noqa: S105
    LEAK = "leak"
    ERROR = "error"
    SKIPPED = "skipped"


class Leak(Exception):
    """One client got at something of the other. The text says what was seen."""


class Skipped(Exception):
    """There is nothing to try here. The text says why."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One try. `id` is stable and unique, `title` says what must hold."""

    id: str
    title: str
    group: Group
    run: Run


@dataclass(frozen=True, slots=True)
class Result:
    """How a probe ended, with what it saw."""

    id: str
    title: str
    group: Group
    outcome: Outcome
    evidence: str
    milliseconds: float


_families: list[tuple[Group, Family]] = []


def probe(group: Group, name: str, title: str) -> Callable[[Run], Run]:
    """Register one probe."""

    def register(run: Run) -> Run:
        _families.append((group, lambda _: (Probe(name, title, group, run),)))
        return run

    return register


def family(group: Group) -> Callable[[Family], Family]:
    """Register a function that makes one probe for each thing it finds: table, route, handler."""

    def register(make: Family) -> Family:
        _families.append((group, make))
        return make

    return register


def all_probes(context: Context) -> Iterator[Probe]:
    """Every probe of this installation, group by group."""
    for group in Group:
        for of_group, make in _families:
            if of_group is group:
                yield from make(context)


def leak_if(condition: object, evidence: str) -> None:
    """Leak with this evidence where the condition holds."""
    if condition:
        raise Leak(evidence)
