"""Of what a person wants to be told while a page of the portal is open."""

from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from tenant_portal.models.base import words
from tenant_portal.models.enums import Told


class NotificationChoice(SQLModel, table=True):
    """What somebody has chosen in the settings. Without a row the defaults hold, which are those of a new row."""

    __tablename__ = "notification_choice"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"], ["portal_user.tenant_id", "portal_user.id"], ondelete="CASCADE"
        ),
    )
    tenant_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    threads: Told = Field(default=Told.MINE, sa_type=words(Told, "threads"))
    shows_text: bool = True
    plays_sound: bool = True
