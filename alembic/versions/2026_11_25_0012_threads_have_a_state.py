"""Threads are open, snoozed or closed, belong to somebody, and are read by each person on their own.

`front_door.store_known` and `front_door.store_events` stay as they are: what they do not know, triggers add.

- `conversation_reopened`: a message of the lead opens a thread that is not open. A plain message costs its condition only.
- `conversation_recounted`: where fewer messages are counted than before (blocked, moved to another thread, read under the
  version before), nobody has read more than there are; what was read of a merged thread is read where it went.
- `lead_opted`: an opt-out or opt-in, by whatever way, stands in the thread.
- `portal_user_left`: what belonged to somebody who left the team belongs to nobody.

`conversation.unread_count` is no longer set back when somebody reads: it counts what was received. What is unread at
the migration stays unread for each person of the team, what is read stays read: nobody has read any of those still counted.

Must not break the version of the code before it: add first, remove one release later.
"""

import sqlalchemy as sa

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TRIGGERS = (
    """
    create function conversation_reopened() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
    begin
        insert into thread_event (tenant_id, id, conversation_id, kind, actor_name, subject_name, created_at)
        values (new.tenant_id, front_door.uuid7(), new.id, 'reopened', '', '', now());
        new.state := 'open';
        new.snoozed_until := null;
        return new;
    end
    $$
    """,
    "create trigger conversation_reopened before update on conversation for each row"
    " when (old.state <> 'open' and new.unread_count > old.unread_count) execute function conversation_reopened()",
    """
    create function conversation_recounted() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
    begin
        if new.merged_into is not null then
            insert into thread_reading as r (tenant_id, user_id, conversation_id, read_count)
            select old.tenant_id, o.user_id, new.merged_into, least(o.read_count, old.unread_count) from thread_reading o
            where o.tenant_id = old.tenant_id and o.conversation_id = old.id
            on conflict (tenant_id, user_id, conversation_id) do update set read_count = r.read_count + excluded.read_count;
        end if;
        update thread_reading r set read_count = new.unread_count
        where r.tenant_id = new.tenant_id and r.conversation_id = new.id and r.read_count > new.unread_count;
        return null;
    end
    $$
    """,
    "create trigger conversation_recounted after update of unread_count on conversation for each row"
    " when (new.unread_count < old.unread_count) execute function conversation_recounted()",
    """
    create function lead_opted() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
    begin
        insert into thread_event (tenant_id, id, conversation_id, kind, actor_name, subject_name, created_at)
        select c.tenant_id, front_door.uuid7(), c.id,
               case when new.opted_out_at is null then 'opted-in' else 'opted-out' end, '', '', now()
        from conversation c where c.tenant_id = new.tenant_id and c.lead_id = new.id;
        return null;
    end
    $$
    """,
    "create trigger lead_opted after update of opted_out_at on lead for each row"
    " when ((old.opted_out_at is null) <> (new.opted_out_at is null)) execute function lead_opted()",
    """
    create function front_door.portal_user_left() returns trigger language plpgsql security definer
    set search_path = pg_catalog, public, pg_temp as $$
    declare
        v_before text := current_setting('app.tenant_id', true);
        v_set text := set_config('app.tenant_id', new.tenant_id::text, true);
    begin
        update conversation c set assignee_id = null where c.tenant_id = new.tenant_id and c.assignee_id = new.id;
        v_set := set_config('app.tenant_id', coalesce(v_before, ''), true);
        return null;
    end
    $$
    """,
    "create trigger portal_user_left after update of disabled_at on portal_user for each row"
    " when (new.tenant_id is not null and new.disabled_at is not null) execute function front_door.portal_user_left()",
)
MADE = {
    "conversation_reopened": "conversation",
    "conversation_recounted": "conversation",
    "lead_opted": "lead",
    "portal_user_left": "portal_user",
}
# Its owner sees the tenant's threads, whoever ends somebody's account: the sign-in, for one, does not.
OF_THE_APPLICATION = "front_door.portal_user_left"

# As in revision 0002, and threads whose snooze is over.
SWEEP = """
create or replace function jobs.sweep() returns bigint
language sql security definer set search_path = jobs, pg_temp as $$
    select count(*) from (select jobs.wake(task, tenant_id, interval '0') from (
        select 'inbox.send_outbox' as task, tenant_id from public.message
        where direction = 'out' and status in ('queued', 'sending', 'unknown')
          and coalesce(next_attempt_at, status_at + interval '5 seconds') <= now()
        union select 'inbox.fetch_media', tenant_id from public.media
        where state = 'waiting' and next_attempt_at <= now() - interval '5 seconds'
        union select 'channels.advance', tenant_id from public.channel
        where next_attempt_at <= now() - interval '5 seconds'
        union select 'tenants.provision', tenant_id from public.subaccount
        where next_attempt_at <= now() - interval '5 seconds'
        {snoozed}
    ) as due
    where not exists (select from procrastinate_jobs j where j.queueing_lock = task || ':' || tenant_id
                      and j.status in ('todo', 'doing'))) as woken
$$;
"""
SNOOZED = """union select 'inbox.end_snoozes', tenant_id from public.conversation
        where state = 'snoozed' and snoozed_until <= now() - interval '5 seconds'"""
KINDS = ("assigned", "unassigned", "closed", "reopened", "snoozed", "woken", "opted-out", "opted-in")
TABLES = ("note_mention", "thread_reading", "thread_event")
NEWEST = [sa.literal_column("last_message_at desc"), sa.literal_column("id desc")]


def _ids(*names: str) -> list[sa.Column[sa.Uuid]]:
    return [sa.Column(name, sa.Uuid(), nullable=False) for name in ("tenant_id", *names)]


def _own(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{other}.tenant_id", f"{other}.id"],
        name=op.f(f"fk_{table}_tenant_id_{column}"),
        ondelete="CASCADE",
    )


def upgrade() -> None:
    _bind_the_owner(False)
    _add_columns()
    _bind_the_owner(True)
    _make_tables()
    cursor = op.get_bind().connection.cursor()
    for statement in TRIGGERS:
        cursor.execute(statement)
    for name in MADE:
        op.execute(f"revoke all on function {_function(name)}() from public")
    op.execute("grant create on schema front_door to portal_app")
    op.execute(f"alter function {OF_THE_APPLICATION}() owner to portal_app")
    op.execute("revoke create on schema front_door from portal_app")
    op.execute("grant execute on function front_door.uuid7() to portal_intake")
    _end_snoozes(SNOOZED)


def _function(trigger: str) -> str:
    return OF_THE_APPLICATION if OF_THE_APPLICATION.endswith(trigger) else trigger


def _bind_the_owner(is_bound: bool) -> None:
    # The policies bind the owner as well, and the rows that a new reference is held against are of every tenant. Nobody
    # else gets at the tables before the commit: this transaction holds them.
    for table in ("portal_user", "conversation"):
        op.execute(f"alter table {table} {'' if is_bound else 'no '}force row level security")


def _add_columns() -> None:
    op.execute("create domain conversation_state as text check (value in ('open', 'snoozed', 'closed'))")
    op.execute("alter table conversation add column state conversation_state not null default 'open'")
    op.add_column("conversation", sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("conversation", sa.Column("assignee_id", sa.Uuid(), nullable=True))
    op.create_check_constraint(
        op.f("ck_conversation_snoozed_until_then"), "conversation", "(state = 'snoozed') = (snoozed_until is not null)"
    )
    op.create_foreign_key(
        op.f("fk_conversation_tenant_id_assignee_id"),
        "conversation",
        "portal_user",
        ["tenant_id", "assignee_id"],
        ["tenant_id", "id"],
        ondelete="SET NULL (assignee_id)",
    )
    op.create_index("ix_conversation_state", "conversation", ["tenant_id", "state", "last_channel", *NEWEST])
    op.create_index(
        "ix_conversation_assignee",
        "conversation",
        ["tenant_id", "assignee_id", "last_channel", *NEWEST],
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_conversation_snoozed",
        "conversation",
        ["tenant_id", "snoozed_until"],
        postgresql_where=sa.text("state = 'snoozed'"),
    )
    op.drop_index("ix_conversation_inbox", "conversation")
    op.drop_index("ix_conversation_unread", "conversation")


def _make_tables() -> None:
    op.create_table(
        "thread_event",
        *_ids("id", "conversation_id"),
        sa.Column(
            "kind",
            sa.Enum(*KINDS, name="kind", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(length=120), nullable=False),
        sa.Column("subject_name", sa.String(length=120), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _own("thread_event", "conversation_id", "conversation"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_thread_event")),
    )
    op.create_index("ix_thread_event_thread", "thread_event", ["tenant_id", "conversation_id", "id"])
    op.create_table(
        "thread_reading",
        *_ids("user_id", "conversation_id"),
        sa.Column("read_count", sa.Integer(), nullable=False),
        _own("thread_reading", "conversation_id", "conversation"),
        _own("thread_reading", "user_id", "portal_user"),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", "conversation_id", name=op.f("pk_thread_reading")),
    )
    op.create_index("ix_thread_reading_tenant_id_conversation_id", "thread_reading", ["tenant_id", "conversation_id"])
    op.create_table(
        "note_mention",
        *_ids("note_id", "user_id", "conversation_id"),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        _own("note_mention", "note_id", "lead_note"),
        _own("note_mention", "user_id", "portal_user"),
        _own("note_mention", "conversation_id", "conversation"),
        sa.PrimaryKeyConstraint("tenant_id", "note_id", "user_id", name=op.f("pk_note_mention")),
    )
    op.create_index("ix_note_mention_user", "note_mention", ["tenant_id", "user_id", sa.literal_column("note_id desc")])
    op.create_index("ix_note_mention_tenant_id_conversation_id", "note_mention", ["tenant_id", "conversation_id"])


def _end_snoozes(part: str) -> None:
    op.get_bind().connection.cursor().execute(SWEEP.replace("{snoozed}", part))


def downgrade() -> None:
    _end_snoozes("")
    op.execute("revoke execute on function front_door.uuid7() from portal_intake")
    for name, table in MADE.items():
        op.execute(f"drop trigger {name} on {table}")
        op.execute(f"drop function {_function(name)}()")
    for table in TABLES:
        op.drop_table(table)
    for name in ("assignee_id", "snoozed_until", "state"):
        op.drop_column("conversation", name)
    op.execute("drop domain conversation_state")
    op.create_index("ix_conversation_inbox", "conversation", ["tenant_id", *NEWEST])
    op.create_index(
        "ix_conversation_unread", "conversation", ["tenant_id", *NEWEST], postgresql_where=sa.text("unread_count > 0")
    )
