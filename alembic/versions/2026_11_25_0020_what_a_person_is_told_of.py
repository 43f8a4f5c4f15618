"""Of what each person wants to be told while a page of the portal is open.

Only a new table, so the version before is not disturbed.
"""

import sqlalchemy as sa

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notification_choice",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "threads",
            sa.Enum("all", "mine", "none", name="threads", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("shows_text", sa.Boolean(), nullable=False),
        sa.Column("plays_sound", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["portal_user.tenant_id", "portal_user.id"],
            name=op.f("fk_notification_choice_tenant_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", name=op.f("pk_notification_choice")),
    )


def downgrade() -> None:
    op.drop_table("notification_choice")
