"""What the settings page shows, row by row."""

import re
from dataclasses import dataclass

from tenant_portal.identity.queries import Browser, Member, PendingInvitation, Person
from tenant_portal.models.enums import EmailState
from tenant_portal.ui.session_state import ROLE_WORDS, initials_of

# The first that fits wins: every browser also names the ones it descends from.
BROWSERS = (
    ("Edge", r"Edg(e|A|iOS)?/"),
    ("Opera", r"OPR/"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|CriOS/|Chromium/"),
    ("Safari", r"Safari/"),
)
SYSTEMS = (
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("macOS", r"Mac OS X|Macintosh"),
    ("ChromeOS", r"CrOS"),
    ("Linux", r"Linux|X11"),
)
PHONES = {"iPhone", "iPad", "Android"}
MAIL_WORDS = {
    EmailState.WAITING: ("E-mail on its way", "info"),
    EmailState.SENT: ("E-mail sent", "good"),
    EmailState.FAILED: ("E-mail not sent", "bad"),
    # Invited before the portal sent e-mails.
    None: ("Link only", "neutral"),
}


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A person of the team."""

    user_id: str
    name: str
    email: str
    role: str
    role_word: str
    initials: str
    is_me: bool
    has_second_step: bool


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An open invitation."""

    invitation_id: str
    email: str
    role_word: str
    expires_at: str
    mail_word: str
    mail_tone: str
    mail_error: str


@dataclass(frozen=True, slots=True)
class BrowserRow:
    """A browser in which the reader is signed in."""

    session_id: str
    words: str
    is_phone: bool
    address: str
    last_seen_at: str
    is_this: bool


def member_row(member: Member, person: Person) -> MemberRow:
    """A line of the team."""
    return MemberRow(
        str(member.user_id),
        member.name,
        member.email,
        member.role.value,
        ROLE_WORDS[member.role],
        initials_of(member.name),
        member.user_id == person.user_id,
        member.has_second_step,
    )


def invitation_row(invitation: PendingInvitation) -> InvitationRow:
    """A line of the open invitations."""
    word, tone = MAIL_WORDS[invitation.mail_state]
    return InvitationRow(
        str(invitation.invitation_id),
        invitation.email,
        ROLE_WORDS[invitation.role],
        invitation.expires_at.isoformat(),
        word,
        tone,
        invitation.mail_error,
    )


def browser_row(browser: Browser, person: Person) -> BrowserRow:
    """A line of the sessions."""
    return BrowserRow(
        str(browser.session_id),
        describe(browser.user_agent),
        _first(SYSTEMS, browser.user_agent) in PHONES,
        browser.address,
        browser.last_seen_at.isoformat(),
        browser.session_id == person.session_id,
    )


def describe(user_agent: str) -> str:
    """A browser in words a person recognises: `Firefox on Windows`."""
    browser, system = _first(BROWSERS, user_agent), _first(SYSTEMS, user_agent)
    if not browser:
        return f"A browser on {system}" if system else "Another browser"
    return f"{browser} on {system}" if system else browser


def _first(choices: tuple[tuple[str, str], ...], text: str) -> str:
    return next((words for words, pattern in choices if re.search(pattern, text)), "")
