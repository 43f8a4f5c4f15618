"""The session cookie: its name, and how it is read from a raw Cookie header."""

from tenant_portal.config import settings

SESSION_COOKIE = "portal_session"
LONGEST_HEADER = 8192


def cookie_name() -> str:
    """Over https the `__Host-` prefix keeps a neighbouring subdomain from planting one (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{SESSION_COOKIE}" if settings().origin.startswith("https://") else SESSION_COOKIE


def read_token(cookie_header: str) -> str | None:
    """The session token of a raw `Cookie` header; None if there is none, or more than one."""
    if len(cookie_header) > LONGEST_HEADER:
        return None
    pairs = (part.strip().partition("=") for part in cookie_header.split(";"))
    tokens = [value for name, _, value in pairs if name == cookie_name()]
    return tokens[0] if len(tokens) == 1 and tokens[0] else None
