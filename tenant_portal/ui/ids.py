"""Ids as a browser sends them."""

from uuid import UUID

from tenant_portal.errors import NotFound

GONE = "This no longer exists."


def parse_id(text: str, gone: str = GONE) -> UUID:
    """The id; NotFound with this sentence for anything else, as for an id that nobody has."""
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        raise NotFound(gone) from None
