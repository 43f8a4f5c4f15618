"""Message templates of WhatsApp, and a job that keeps them in step with Twilio.

`jobs.sweep()` finds those whose time has come without a job. The line is added to the function as it stands, whichever
migration wrote it last.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

STATES = (
    "submitting", "failed", "deleting", "unsubmitted", "pending", "approved", "rejected", "paused", "disabled", "gone",
)  # fmt: skip
KINDS = ("text", "media", "quick-reply", "call-to-action")
END_OF_THE_LIST = "    ) as due"
TEMPLATES = """
        union select 'templates.sync', tenant_id from public.message_template
        where next_attempt_at <= now() - interval '5 seconds'
"""


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "message_template",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("language", sa.String(12), nullable=False),
        sa.Column("category", sa.String(20), nullable=False),
        sa.Column("kind", _words(KINDS, "kind"), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("media_url", sa.String(), nullable=False),
        sa.Column("buttons", JSONB(), nullable=False),
        sa.Column("samples", JSONB(), nullable=False),
        sa.Column("fills", JSONB(), nullable=False),
        sa.Column("state", _words(STATES, "state"), nullable=False),
        sa.Column("content_sid", sa.String(34), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", moment, nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("changed_at", moment, nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_message_template_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_message_template")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_message_template_tenant_id_name")),
        sa.UniqueConstraint("tenant_id", "content_sid", name=op.f("uq_message_template_tenant_id_content_sid")),
    )
    due = sa.text("next_attempt_at is not null")
    op.create_index("ix_message_template_due", "message_template", ["next_attempt_at"], postgresql_where=due)
    # The sweep is read at once, before the wall is built anew.
    op.execute("grant select (tenant_id, next_attempt_at) on message_template to portal_jobs")
    _change_sweep(END_OF_THE_LIST, TEMPLATES.strip("\n") + "\n" + END_OF_THE_LIST)


def _words(words: tuple[str, ...], name: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=16)


def _change_sweep(before: str, after: str) -> None:
    cursor = op.get_bind().connection.cursor()
    statement = cursor.execute("select pg_get_functiondef('jobs.sweep()'::regprocedure)").fetchone()[0]
    if before not in statement:
        raise RuntimeError("jobs.sweep() is not as this migration knows it")
    # Only its owner may replace it.
    cursor.execute("grant create on schema jobs to portal_jobs")
    cursor.execute("set local role portal_jobs")
    cursor.execute(statement.replace(before, after))
    cursor.execute("set local role portal_owner")
    cursor.execute("revoke create on schema jobs from portal_jobs")


def downgrade() -> None:
    _change_sweep(TEMPLATES.strip("\n") + "\n", "")
    op.drop_table("message_template")
