"""E-mails on their way, forgotten passwords, the second step of sign-in, and a trail to look through.

`jobs.wake(task, null, delay)` wakes the agency's own work: e-mails to staff belong to no tenant. The identity door may
wake, since a forgotten password is told before anybody has signed in.

Must not break the version of the code before it: add first, remove one release later.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0010"
down_revision = "0007"
branch_labels = None
depends_on = None

# As in 0004, but for the lock: of a null the whole would be null, and nothing would be coalesced.
WAKE = """
create or replace function jobs.wake(p_task text, p_tenant uuid, p_delay interval) returns void
language sql security definer set search_path = jobs, pg_temp as $$
    insert into procrastinate_jobs (queue_name, task_name, args, lock, queueing_lock, scheduled_at)
    select 'portal', p_task, jsonb_build_object('tenant_id', p_tenant), {lock}, {lock},
           greatest(case when p_delay > interval '0' then now() + p_delay end, (
               select h.until from public.throttle h
               where h.tenant_id = p_tenant and h.subject = 'task:' || p_task and h.until > now()))
    on conflict (queueing_lock) where status = 'todo' do update
    set scheduled_at = jobs.due(p_task, p_tenant, procrastinate_jobs.scheduled_at, excluded.scheduled_at)
    where procrastinate_jobs.scheduled_at
        is distinct from jobs.due(p_task, p_tenant, procrastinate_jobs.scheduled_at, excluded.scheduled_at)
$$;
"""
OF_ANYBODY = "p_task || ':' || coalesce(p_tenant::text, 'agency')"
OF_TENANT = "p_task || ':' || p_tenant"


def upgrade() -> None:
    op.create_table(
        "outgoing_email",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("invitation_id", sa.Uuid(), nullable=True),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("waiting", "sent", "failed", name="state", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("useful_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_outgoing_email_tenant_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invitation_id"],
            ["invitation.tenant_id", "invitation.id"],
            name=op.f("fk_outgoing_email_tenant_id_invitation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing_email")),
    )
    op.create_index("ix_outgoing_email_tenant_id_invitation_id", "outgoing_email", ["tenant_id", "invitation_id"])
    op.create_index(
        "ix_outgoing_email_due", "outgoing_email", ["next_attempt_at"], postgresql_where=sa.text("state = 'waiting'")
    )
    op.create_table(
        "password_reset",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_password_reset_tenant_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["portal_user.id"], name=op.f("fk_password_reset_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_password_reset")),
    )
    op.create_index("ix_password_reset_user_id", "password_reset", ["user_id"])
    op.create_table(
        "second_factor",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=True),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("recovery_hashes", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_second_factor_tenant_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["portal_user.id"], name=op.f("fk_second_factor_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factor")),
    )
    op.add_column(
        "tenant", sa.Column("two_factor_required", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.alter_column("audit_event", "action", type_=sa.String(60, collation="C"))
    op.create_index("ix_audit_event_action", "audit_event", ["tenant_id", "action"])
    op.create_index(
        "ix_audit_event_actor", "audit_event", ["tenant_id", "actor_id", sa.text("at desc"), sa.text("id desc")]
    )
    cursor = op.get_bind().connection.cursor()
    cursor.execute(WAKE.format(lock=OF_ANYBODY))
    cursor.execute("grant usage on schema jobs to portal_identity")
    cursor.execute("grant execute on function jobs.wake(text, uuid, interval) to portal_identity")


def downgrade() -> None:
    op.drop_index("ix_audit_event_actor", "audit_event")
    op.drop_index("ix_audit_event_action", "audit_event")
    op.alter_column("audit_event", "action", type_=sa.String(60, collation="default"))
    op.drop_column("tenant", "two_factor_required")
    op.drop_table("second_factor")
    op.drop_table("password_reset")
    op.drop_table("outgoing_email")
    cursor = op.get_bind().connection.cursor()
    cursor.execute("revoke execute on function jobs.wake(text, uuid, interval) from portal_identity")
    cursor.execute("revoke usage on schema jobs from portal_identity")
    cursor.execute(WAKE.format(lock=OF_TENANT))
