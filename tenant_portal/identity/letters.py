"""What the portal writes to people about their account."""

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
