"""The time zone by whose calendar a client counts its days.

Must not break the version of the code before it: the column has a default.
"""

import sqlalchemy as sa

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tenant", sa.Column("timezone", sa.String(64), server_default="UTC", nullable=False))


def downgrade() -> None:
    op.drop_column("tenant", "timezone")
