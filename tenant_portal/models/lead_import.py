"""Leads on their way in from a file."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from tenant_portal.models.base import TenantRow, Timestamp, now, own, words
from tenant_portal.models.enums import ImportState


class LeadImport(TenantRow, table=True):
    """A file of leads. Its rows wait in `lead_import_row` until all good ones become leads in one transaction.

    `content` is the file until its rows are read. `mapping` gives, for each column by its place, what it is: a word of
    leads.importing, `field:<id>`, or "". `total` rows are read, `checked` of them looked at, `good` without an error.
    """

    __tablename__ = "lead_import"
    state: ImportState = Field(default=ImportState.READING, sa_type=words(ImportState, "state"))
    file_name: str = Field(max_length=200)
    content: bytes | None = None
    columns: list[str] = Field(default_factory=list, sa_type=JSONB)
    mapping: list[str] = Field(default_factory=list, sa_type=JSONB)
    country: str = Field(default="", max_length=2)
    total: int = 0
    checked: int = 0
    good: int = 0
    outcome: str = Field(default="", description="A sentence about how it ended.")
    actor_id: UUID | None = None
    actor_name: str = Field(default="", max_length=120)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class LeadImportRow(SQLModel, table=True):
    """A row of such a file. `number` is its line in the file, `errors` maps a column's name to a sentence.

    `lead_id` is the lead that it becomes; what stood in the row is emptied then.
    """

    __tablename__ = "lead_import_row"
    __table_args__ = (own("import_id", "lead_import"),)
    tenant_id: UUID = Field(primary_key=True, foreign_key="tenant.id", ondelete="CASCADE")
    import_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    cells: list[str] = Field(default_factory=list, sa_type=JSONB)
    address: str | None = Field(default=None, max_length=80)
    parsed: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs={"server_default": "{}"})
    errors: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs={"server_default": "{}"})
    lead_id: UUID | None = None
