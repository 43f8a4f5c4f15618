"""Each tenant's traffic, summed once an hour, so that the overview does not read the hours of a month.

Must not break the version of the code before it: it neither reads nor writes the new table.
"""

import sqlalchemy as sa

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tenant_traffic",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("in_24h", "out_24h", "failures_24h", "in_30d", "out_30d")
        ),
        sa.Column("last_webhook_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_tenant_traffic_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_tenant_traffic")),
    )


def downgrade() -> None:
    op.drop_table("tenant_traffic")
