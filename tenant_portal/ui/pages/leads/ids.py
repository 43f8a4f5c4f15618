"""Ids as a browser sends them."""

from uuid import UUID

from tenant_portal.errors import NotFound


def parse_id(text: str) -> UUID:
    """The id; NotFound for anything else, as for an id that nobody has."""
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        raise NotFound("This lead does not exist.") from None
