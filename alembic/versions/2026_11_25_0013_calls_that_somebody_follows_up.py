"""Calls that somebody follows up: handled or not, answered on the phone, and the text to a caller who was missed.

`front_door.store_call_end(tenant, data)` takes the end of a call, and what became of ringing a phone first. A call that
was answered there is handled. The end of any other one makes a row in `text_back`, where the channel wants that: its job
(voicemail/text_back.py) decides about it once. `jobs.sweep()` finds those whose time has come without a job.

Must not break the version of the code before it: the columns are nullable, and the functions keep their shape.
"""

import sqlalchemy as sa

from alembic import context, op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

CALLS = "channel_kind = 'voicemail' and direction = 'in'"

# The outcome of ringing carries no sequence: it is merged unless that is known already. Twilio tells it and the end of the
# call at about the same time, hence the pause before anything is decided.
STORE_CALL_END = """
create or replace function front_door.store_call_end(p_tenant uuid, p jsonb) returns text language plpgsql as $$
declare
    v_call record;
    v_details jsonb := p->'details';
    v_sequence int := (p->'details'->>'call_sequence')::int;
begin
    select * into v_call from front_door.lock_call(p_tenant, p->>'call_sid');
    if not found then
        return 'unknown-call';
    end if;
    update public.message m set details = m.details || v_details,
        handled_at = case when v_details ? 'answered_seconds' then coalesce(m.handled_at, now()) else m.handled_at end
    where m.tenant_id = p_tenant and m.id = v_call.id
      and case when v_sequence is null then not m.details @> v_details
               else coalesce((m.details->>'call_sequence')::int, -1) <= v_sequence end;
    if not found then
        return 'unchanged';
    end if;
    if v_sequence is not null then
        insert into public.text_back (tenant_id, id, message_id, state, due_at, reason, created_at)
        select p_tenant, front_door.uuid7(), v_call.id, 'waiting', now() + interval '5 seconds', '', now()
        from public.channel c
        where c.tenant_id = p_tenant and c.kind = 'voicemail' and c.phone_number = v_call.our_number
          and c.state <> 'disconnected' and c.config->'text_back'->>'is_on' = 'true'
        on conflict do nothing;
        if found then
            perform jobs.wake('voicemail.text_back', p_tenant, interval '5 seconds');
        end if;
    end if;
    return 'stored';
end
$$;
"""

SWEEP = """
create or replace function jobs.sweep() returns bigint
language sql security definer set search_path = jobs, pg_temp as $$
    select count(*) from (select jobs.wake(task, tenant_id, interval '0') from (
        select 'inbox.send_outbox' as task, tenant_id from public.message
        where direction = 'out' and status in ('queued', 'sending', 'unknown')
          and coalesce(next_attempt_at, status_at + interval '5 seconds') <= now()
        union select 'inbox.fetch_media', tenant_id from public.media
        where state = 'waiting' and next_attempt_at <= now() - interval '5 seconds'
        union select 'voicemail.text_back', tenant_id from public.text_back
        where state = 'waiting' and due_at <= now() - interval '5 seconds'
        union select 'inbox.end_snoozes', tenant_id from public.conversation
        where state = 'snoozed' and snoozed_until <= now() - interval '5 seconds'
        union select 'channels.advance', tenant_id from public.channel
        where next_attempt_at <= now() - interval '5 seconds'
        union select 'tenants.provision', tenant_id from public.subaccount
        where next_attempt_at <= now() - interval '5 seconds'
    ) as due
    where not exists (select from procrastinate_jobs j where j.queueing_lock = task || ':' || tenant_id
                      and j.status in ('todo', 'doing'))) as woken
$$;
"""


def upgrade() -> None:
    op.add_column("message", sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("message", sa.Column("handled_by", sa.Uuid(), nullable=True))
    op.add_column("message", sa.Column("handled_by_name", sa.String(120), nullable=True))
    for name, condition in (("calls", CALLS), ("open_calls", f"{CALLS} and handled_at is null")):
        op.create_index(f"ix_message_{name}", "message", ["tenant_id", "id"], postgresql_where=sa.text(condition))
    _create_text_back()
    # The bare cursor: in SQL that goes through the driver's parameters every % would have to be doubled.
    cursor = op.get_bind().connection.cursor()
    cursor.execute(STORE_CALL_END)
    _replace_sweep(SWEEP)


def _create_text_back() -> None:
    state = sa.Enum("waiting", "sent", "skipped", name="state", native_enum=False, create_constraint=True, length=16)
    op.create_table(
        "text_back",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("state", state, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("sent_as", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "message_id"],
            ["message.tenant_id", "message.id"],
            name=op.f("fk_text_back_tenant_id_message_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_text_back_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_text_back")),
        sa.UniqueConstraint("tenant_id", "message_id", name=op.f("uq_text_back_tenant_id_message_id")),
    )
    op.create_index(
        "ix_text_back_waiting", "text_back", ["tenant_id", "due_at"], postgresql_where=sa.text("state = 'waiting'")
    )


def _replace_sweep(statement: str) -> None:
    cursor = op.get_bind().connection.cursor()
    # Only its owner may replace it, and it is read at once, before the wall is built anew.
    cursor.execute("grant select (tenant_id, state, due_at) on text_back to portal_jobs")
    cursor.execute("grant create on schema jobs to portal_jobs")
    cursor.execute("set local role portal_jobs")
    cursor.execute(statement)
    cursor.execute("set local role portal_owner")
    cursor.execute("revoke create on schema jobs from portal_jobs")


def downgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    script = context.script
    voicemail = script.get_revision("0003").module.VOICEMAIL
    start = voicemail.index("create function front_door.store_call_end")
    cursor.execute(voicemail[start:].replace("create function", "create or replace function", 1))
    threads = script.get_revision("0012").module
    _replace_sweep(threads.SWEEP.replace("{snoozed}", threads.SNOOZED))
    op.drop_table("text_back")
    op.drop_index("ix_message_open_calls", "message")
    op.drop_index("ix_message_calls", "message")
    for column in ("handled_by_name", "handled_by", "handled_at"):
        op.drop_column("message", column)
