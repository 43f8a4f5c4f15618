"""What helps to write: canned replies, messages that wait for their time, drafts.

`jobs.sweep()` also finds planned messages whose time has come without a job. Only new tables, so the version before is
not disturbed.
"""

import sqlalchemy as sa

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

PLANNED = """
        union select 'inbox.send_planned', tenant_id from public.planned_message
        where state <> 'refused' and due_at <= now() - interval '5 seconds'"""
END = "\n    ) as due"


def upgrade() -> None:
    _create_canned_reply()
    _create_planned_message()
    _create_draft()
    definition = _sweep()
    assert definition.count(END) == 1
    _replace_sweep(definition.replace(END, PLANNED + END))


def _create_canned_reply() -> None:
    op.create_table(
        "canned_reply",
        *_keys(),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_canned_reply_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_canned_reply")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_canned_reply_tenant_id_name")),
    )


def _create_planned_message() -> None:
    channel_kind, state = (
        sa.Enum(*members, name=name, native_enum=False, create_constraint=True, length=16)
        for name, members in (
            ("channel_kind", ("sms", "whatsapp", "voicemail")),
            ("state", ("held", "scheduled", "refused")),
        )
    )
    op.create_table(
        "planned_message",
        *_keys(),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("channel_kind", channel_kind, nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("state", state, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("author_name", sa.String(120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _in_thread("planned_message"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_planned_message")),
    )
    op.create_index("ix_planned_message_thread", "planned_message", ["tenant_id", "conversation_id"])
    is_waiting = sa.text("state <> 'refused'")
    op.create_index("ix_planned_message_due", "planned_message", ["tenant_id", "due_at"], postgresql_where=is_waiting)


def _create_draft() -> None:
    op.create_table(
        "draft",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        _in_thread("draft"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["portal_user.tenant_id", "portal_user.id"],
            name=op.f("fk_draft_tenant_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", "conversation_id", name=op.f("pk_draft")),
    )
    op.create_index("ix_draft_tenant_id_conversation_id", "draft", ["tenant_id", "conversation_id"])


def _keys() -> tuple[sa.Column[object], ...]:
    return tuple(sa.Column(name, sa.Uuid(), nullable=False) for name in ("tenant_id", "id"))


def _in_thread(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "conversation_id"],
        ["conversation.tenant_id", "conversation.id"],
        name=op.f(f"fk_{table}_tenant_id_conversation_id"),
        ondelete="CASCADE",
    )


def _sweep() -> str:
    """As the revision before left it, whichever that is."""
    return str(op.get_bind().scalar(sa.text("select pg_get_functiondef('jobs.sweep()'::regprocedure)")))


def _replace_sweep(statement: str) -> None:
    cursor = op.get_bind().connection.cursor()
    # Only its owner may replace it, and it is read at once, before the wall is built anew.
    cursor.execute("grant select (tenant_id, state, due_at) on planned_message to portal_jobs")
    cursor.execute("grant create on schema jobs to portal_jobs")
    cursor.execute("set local role portal_jobs")
    cursor.execute(statement)
    cursor.execute("set local role portal_owner")
    cursor.execute("revoke create on schema jobs from portal_jobs")


def downgrade() -> None:
    _replace_sweep(_sweep().replace(PLANNED, ""))
    for table in ("draft", "planned_message", "canned_reply"):
        op.drop_table(table)
