"""What every table shares."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlmodel import Field, SQLModel

from tenant_portal.models.ids import uuid7

metadata = SQLModel.metadata
metadata.naming_convention = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
Timestamp = sa.DateTime(timezone=True)


def now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


def words(of: type[StrEnum], name: str) -> Any:
    """Column type for a closed set of words: text with a CHECK named after the column."""
    return sa.Enum(
        of,
        native_enum=False,
        create_constraint=True,
        length=16,
        name=name,
        values_callable=lambda members: [member.value for member in members],
    )


class DomainOfWords(sa.TypeDecorator[StrEnum]):
    """`words` for the tables that every message writes: a domain over text, made by a migration.

    PostgreSQL parses the CHECKs of a table anew for every statement (a sixth of what storing a message cost), but keeps
    those of a domain.
    """

    impl = DOMAIN
    cache_ok = True
    operator_classes = sa.Enum.operator_classes

    def __init__(self, of: type[StrEnum], name: str) -> None:
        self._of = of
        self.name = name
        super().__init__(name, sa.Text(), create_type=False)

    def process_bind_param(self, value: StrEnum | str | None, _: sa.Dialect) -> str | None:
        """ValueError for a word that is none of them."""
        return None if value is None else self._of(value).value

    def process_result_value(self, value: str | None, _: sa.Dialect) -> StrEnum | None:
        """The member."""
        return None if value is None else self._of(value)


class TenantRow(SQLModel):
    """A row of one tenant. The key starts with the tenant, so a row that points across tenants cannot exist."""

    tenant_id: UUID = Field(primary_key=True, foreign_key="tenant.id", ondelete="CASCADE")
    id: UUID = Field(default_factory=uuid7, primary_key=True)


def own(column: str, table: str, *, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    """A reference to a row of the same tenant: composite, carrying tenant_id."""
    return sa.ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], ondelete=ondelete)
