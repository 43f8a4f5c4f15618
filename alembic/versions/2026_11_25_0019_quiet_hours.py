"""Hours in which nobody is written to, by the clock of the person; what is to go in them waits as a planned message.

A planned message also says whether its writer chose to send it all the same, and keeps the template that it is. Nothing
is added to `message`. Must not break the version of the code before it: every column has a default.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("quiet_from", "quiet_until"):
        op.add_column("tenant", sa.Column(name, sa.String(5), server_default="", nullable=False))
    now = sa.Column("despite_quiet_hours", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("planned_message", now)
    op.add_column("planned_message", sa.Column("details", JSONB(), server_default="{}", nullable=False))


def downgrade() -> None:
    for name in ("details", "despite_quiet_hours"):
        op.drop_column("planned_message", name)
    for name in ("quiet_until", "quiet_from"):
        op.drop_column("tenant", name)
