"""Decisions about sign-in that need neither database nor clock."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from tenant_portal.errors import BadInput

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=14)
INVITATION_LIFE = timedelta(hours=72)
RESET_LIFE = timedelta(hours=1)
NOTICE_LIFE = timedelta(days=3)
# Each sends an e-mail to an address of the owner's choice: a stolen account must not make a spammer of the portal.
INVITATIONS_A_DAY = 100
# A row is written for each session at most once a minute, not at every click.
SEEN_STEP = timedelta(minutes=1)

PASSWORD_MIN, PASSWORD_MAX = 12, 256
NAME_MAX, EMAIL_MAX = 120, 254
EMAIL = re.compile(r"[^@\s\"<>(),:;\\]+@[^@\s\"<>(),:;\\]+\.[^@\s\"<>(),:;\\]+")

LONGEST_PAUSE = timedelta(minutes=15)
FORGET_FAILURES_AFTER = timedelta(hours=24)

PLAIN_PATH = re.compile(r"/[A-Za-z0-9_\-]+(/[A-Za-z0-9_\-]+)*/?")


@dataclass(frozen=True, slots=True)
class Limit:
    """How many tries an account and an address have before pauses begin, which double from `first_pause`."""

    kind: str
    account_free: int
    address_free: int
    first_pause: timedelta


SIGN_IN = Limit("", 5, 20, timedelta(seconds=2))
# Three codes of a million are right at any moment.
SECOND_STEP = Limit("code-", 5, 20, timedelta(seconds=2))
# Each try sends an e-mail to somebody who may not want it.
RESET = Limit("reset-", 3, 20, timedelta(minutes=1))


def is_alive(created_at: datetime, last_seen_at: datetime, now: datetime) -> bool:
    """Whether a session may still be used: 12 h without use end it, 14 days end it anyway."""
    return now - last_seen_at < IDLE and now - created_at < ABSOLUTE


def pause_after(failures: int, free: int, first: timedelta = SIGN_IN.first_pause) -> timedelta:
    """How long a try is refused after this many failures in a row: none for the first ones, then doubling."""
    if failures < free:
        return timedelta(0)
    doublings = min(failures - free, 20)
    return min(first * (1 << doublings), LONGEST_PAUSE)


def tidy_email(value: str) -> str:
    """The address as it is stored; BadInput if it cannot be one."""
    email = value.strip().lower()
    if len(email) > EMAIL_MAX or not EMAIL.fullmatch(email):
        raise BadInput("Enter an e-mail address such as name@example.com.", field="email")
    return email


def tidy_name(value: str) -> str:
    """A person's name without stray blanks; BadInput if nothing is left or it is too long."""
    name = " ".join(value.split())
    if not name or len(name) > NAME_MAX or not name.isprintable():
        raise BadInput(f"Enter a name of 1 to {NAME_MAX} characters.", field="name")
    return name


def refuse_weak_password(password: str, *, email: str, name: str) -> None:
    """BadInput unless it is long enough and not built from what everybody knows of the person (NIST SP 800-63B)."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise BadInput(
            f"Use {PASSWORD_MIN} to {PASSWORD_MAX} characters; a few unrelated words work well.", field="password"
        )
    if len(set(password)) < 5 or password.lower() in {email.lower(), name.lower()}:
        raise BadInput("This password is too easy to guess.", field="password")


def own_path(value: str | None) -> str:
    """`value` if it is the plain path of a page of ours, else the start page: never another site, never an endpoint."""
    if value and len(value) <= 200 and PLAIN_PATH.fullmatch(value) and value.split("/")[1] in OWN_PAGES:
        return value
    return "/"


OWN_PAGES = frozenset({"inbox", "leads", "channels", "settings", "staff"})
