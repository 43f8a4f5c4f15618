"""What the portal writes to people about their account."""

from tenant_portal.config import settings
from tenant_portal.mail.letters import Letter


def invitation(to: str, client: str, by: str, link: str) -> Letter:
    """Somebody may join a client's team."""
    return Letter(
        to,
        f"{by} invites you to {client}",
        (
            f"{by} invites you to the portal of {client}, where the team answers messages and calls.",
            f"You will sign in as {to}. Choose your name and a password:",
        ),
        link,
        f"Join {client}"[:80],
        "The link works once, for 72 hours. If you do not know who invites you, ignore this e-mail.",
    )


def password_reset(to: str, name: str, link: str) -> Letter:
    """Somebody, we hope the addressee, has forgotten the password."""
    return Letter(
        to,
        "Set a new password",
        (f"Hello {name},", "somebody asked to set a new password for this address. If it was you, go on here:"),
        link,
        "Set a new password",
        "The link works once, for an hour. If it was not you, ignore this e-mail: your password stays as it is.",
    )


def notice(to: str, name: str, what: str) -> Letter:
    """Something about the account has changed that its owner should know."""
    return Letter(
        to,
        "Your sign-in was changed",
        (f"Hello {name},", what),
        f"{settings().origin}/login",
        "Open the portal",
        "If it was not you, set a new password at once (“Forgot your password?” on the sign-in page), and tell an owner"
        " of your team.",
    )
