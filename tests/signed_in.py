"""People of the cast as the features know them once they have signed in."""

from tenant_portal.identity.queries import Person
from tenant_portal.models.ids import uuid7
from tests.cast import Someone


def person(someone: Someone) -> Person:
    """This person, through a browser session that needs no row."""
    return Person(someone.user_id, someone.tenant_id, someone.name, someone.email, someone.role, uuid7())
