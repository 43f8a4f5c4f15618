"""Stages, labels, fields and currency of each tenant; leads that are merged, blocked, owned and worth something.

`front_door.store_events` stays as it is: triggers add what it does not know.

- `lead_stages_of_new_tenant`: a tenant is made with its first stages.
- `lead_first_stage`: a lead that names no stage stands in the tenant's first open one.
- `message_referral`: the first message that names an advertisement says what brought the lead.
- `conversation_blocked`: nothing is unread in the thread of somebody who is blocked.
- `conversation_merged`: messages that were stored for a merged lead go on to the thread of the lead that was kept, and are
  counted there. They follow the counting, since only then is everything of the message written.
- `lead_merged_opt_out`: a merged lead's STOP holds for the person.

Must not break the version of the code before it: add first, remove one release later. `lead.stage` stays until then.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

COLOURS = ("gray", "indigo", "cyan", "teal", "grass", "amber", "red", "plum")
# Name, colour, kind, position; and the word of the stage that it replaces.
FIRST_STAGES = """
    (values ('New', 'indigo', 'open', 1, 'new'), ('Contacted', 'cyan', 'open', 2, 'contacted'),
            ('Qualified', 'amber', 'open', 3, 'qualified'), ('Won', 'grass', 'won', 4, 'won'), ('Lost', 'gray', 'lost', 5, 'lost'))
"""

TRIGGERS = (
    f"""
    create function lead_stages_of_new_tenant() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
    begin
        insert into lead_stage (tenant_id, id, name, colour, kind, position)
        select new.id, gen_random_uuid(), s.name, s.colour, s.kind, s.position
        from {FIRST_STAGES} as s (name, colour, kind, position, word);
        return null;
    end
    $$
    """,  # noqa: S608  # a constant of this file
    "create trigger lead_stages_of_new_tenant after insert on tenant for each row execute function lead_stages_of_new_tenant()",
    """
    create function lead_first_stage() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
    begin
        select s.id into new.stage_id from lead_stage s where s.tenant_id = new.tenant_id
        order by s.kind <> 'open', s.position, s.id limit 1;
        return new;
    end
    $$
    """,
    "create trigger lead_first_stage before insert on lead for each row when (new.stage_id is null)"
    " execute function lead_first_stage()",
    """
    create function front_door.message_referral() returns trigger language plpgsql security definer
    set search_path = pg_catalog, public, pg_temp as $$
    declare
        v_before text := current_setting('app.tenant_id', true);
        v_set text := set_config('app.tenant_id', new.tenant_id::text, true);
    begin
        update lead l set referral = new.details -> 'referral' from conversation c
        where c.tenant_id = new.tenant_id and c.id = new.conversation_id
          and l.tenant_id = new.tenant_id and l.id = c.lead_id and l.referral is null;
        v_set := set_config('app.tenant_id', coalesce(v_before, ''), true);
        return null;
    end
    $$
    """,
    "create trigger message_referral after insert on message for each row"
    " when (new.direction = 'in' and new.details ? 'referral') execute function front_door.message_referral()",
    """
    create function conversation_blocked() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
    begin
        new.unread_count := 0;
        return new;
    end
    $$
    """,
    "create trigger conversation_blocked before insert or update on conversation for each row"
    " when (new.is_blocked and new.unread_count > 0) execute function conversation_blocked()",
    """
    create function front_door.conversation_merged() returns trigger language plpgsql security definer
    set search_path = pg_catalog, public, pg_temp as $$
    declare
        v_before text := current_setting('app.tenant_id', true);
        v_set text := set_config('app.tenant_id', new.tenant_id::text, true);
        v_merge uuid;
    begin
        select m.id into v_merge from lead_merge m
        where m.tenant_id = new.tenant_id and m.merged_id = new.lead_id and m.undone_at is null;
        insert into moved_message (tenant_id, merge_id, message_id)
        select m.tenant_id, v_merge, m.id from message m
        where m.tenant_id = new.tenant_id and m.conversation_id = new.id
        on conflict do nothing;
        update message m set conversation_id = new.merged_into
        where m.tenant_id = new.tenant_id and m.conversation_id = new.id;
        update conversation c set
            unread_count = c.unread_count + new.unread_count,
            message_count = c.message_count + new.message_count,
            preview = case when new.last_message_at >= c.last_message_at then new.preview else c.preview end,
            last_channel = case when new.last_message_at >= c.last_message_at then new.last_channel else c.last_channel end,
            last_direction = case when new.last_message_at >= c.last_message_at then new.last_direction else c.last_direction end,
            last_message_at = greatest(c.last_message_at, new.last_message_at)
        where c.tenant_id = new.tenant_id and c.id = new.merged_into;
        update conversation c set unread_count = 0, message_count = 0
        where c.tenant_id = new.tenant_id and c.id = new.id;
        v_set := set_config('app.tenant_id', coalesce(v_before, ''), true);
        return null;
    end
    $$
    """,
    "create trigger conversation_merged after update on conversation for each row"
    " when (new.merged_into is not null and new.message_count > 0) execute function front_door.conversation_merged()",
    """
    create function lead_merged_opt_out() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
    begin
        update lead l set opted_out_at = new.opted_out_at
        where l.tenant_id = new.tenant_id and l.id = new.merged_into and l.opted_out_at is null;
        return null;
    end
    $$
    """,
    "create trigger lead_merged_opt_out after update of opted_out_at on lead for each row"
    " when (new.merged_into is not null and new.opted_out_at is not null) execute function lead_merged_opt_out()",
)
MADE = {
    "lead_stages_of_new_tenant": "tenant",
    "lead_first_stage": "lead",
    "front_door.message_referral": "message",
    "conversation_blocked": "conversation",
    "front_door.conversation_merged": "conversation",
    "lead_merged_opt_out": "lead",
}
# They also fire for `front_door.store_known`, whose role may touch no lead and knows no single tenant. They come after the
# policies have passed the row, and act for its tenant alone.
OF_THE_APPLICATION = ("front_door.message_referral", "front_door.conversation_merged")
TABLES = (
    "erasure_item",
    "lead_erasure",
    "lead_import_row",
    "lead_import",
    "distinct_leads",
    "moved_message",
    "lead_merge",
    "lead_field",
    "lead_label",
    "label",
)


def _words(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=16)


def _own(table: str, *columns: tuple[str, str]) -> list[sa.Constraint]:
    """References of `table` to the tenant and, by (column, other table), to rows of the same tenant."""
    to_tenant = sa.ForeignKeyConstraint(
        ["tenant_id"], ["tenant.id"], name=op.f(f"fk_{table}_tenant_id"), ondelete="CASCADE"
    )
    others = [
        sa.ForeignKeyConstraint(
            ["tenant_id", column],
            [f"{other}.tenant_id", f"{other}.id"],
            name=op.f(f"fk_{table}_tenant_id_{column}"),
            ondelete="CASCADE",
        )
        for column, other in columns
    ]
    return [to_tenant, *others]


def _ids(*names: str) -> list[sa.Column[sa.Uuid]]:
    return [sa.Column(name, sa.Uuid(), nullable=False) for name in ("tenant_id", *names)]


def upgrade() -> None:
    _bind_the_owner(False)
    _change()
    _bind_the_owner(True)


def _bind_the_owner(is_bound: bool) -> None:
    # The policies bind the owner as well; these rows are of every tenant, and so are those that a new reference is held
    # against. Nobody else gets at the tables before the commit: this transaction holds them.
    for table in ("tenant", "portal_user", "lead", "conversation"):
        op.execute(f"alter table {table} {'' if is_bound else 'no '}force row level security")


def _change() -> None:
    op.add_column("tenant", sa.Column("currency", sa.String(length=3), server_default="USD", nullable=False))
    _make_tables()
    _add_columns()
    _give_everybody_stages()
    op.alter_column("lead", "stage_id", nullable=False)
    op.create_foreign_key(
        op.f("fk_lead_tenant_id_stage_id"),
        "lead",
        "lead_stage",
        ["tenant_id", "stage_id"],
        ["tenant_id", "id"],
        ondelete="NO ACTION",
    )
    op.create_index(
        "ix_lead_board",
        "lead",
        ["tenant_id", "stage_id", sa.literal_column("created_at desc"), sa.literal_column("id desc")],
    )
    for statement in TRIGGERS:
        op.get_bind().connection.cursor().execute(statement)
    for name in MADE:
        op.execute(f"revoke all on function {name}() from public")
    op.execute("grant create on schema front_door to portal_app")
    for name in OF_THE_APPLICATION:
        op.execute(f"alter function {name}() owner to portal_app")
    op.execute("revoke create on schema front_door from portal_app")


def _make_tables() -> None:
    op.create_table(
        "lead_stage",
        *_ids("id"),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("colour", _words("colour", *COLOURS), nullable=False),
        sa.Column("kind", _words("kind", "open", "won", "lost"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *_own("lead_stage"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_lead_stage")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_lead_stage_tenant_id_name")),
    )
    op.create_table(
        "label",
        *_ids("id"),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("colour", _words("colour", *COLOURS), nullable=False),
        *_own("label"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_label")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_label_tenant_id_name")),
    )
    op.create_table(
        "lead_label",
        *_ids("lead_id", "label_id"),
        *_own("lead_label", ("lead_id", "lead"), ("label_id", "label")),
        sa.PrimaryKeyConstraint("tenant_id", "lead_id", "label_id", name=op.f("pk_lead_label")),
    )
    op.create_index("ix_lead_label_tenant_id_label_id", "lead_label", ["tenant_id", "label_id", "lead_id"])
    op.create_table(
        "lead_field",
        *_ids("id"),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("kind", _words("kind", "text", "number", "date", "choice"), nullable=False),
        sa.Column("choices", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *_own("lead_field"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_lead_field")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_lead_field_tenant_id_name")),
    )
    op.create_table(
        "lead_merge",
        *_ids("id", "kept_id", "merged_id"),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("actor_name", sa.String(length=120), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        *_own("lead_merge", ("kept_id", "lead"), ("merged_id", "lead")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_lead_merge")),
    )
    op.create_index("ix_lead_merge_tenant_id_kept_id", "lead_merge", ["tenant_id", "kept_id"])
    op.create_index("ix_lead_merge_tenant_id_merged_id", "lead_merge", ["tenant_id", "merged_id"])
    op.create_index(
        "uq_lead_merge_standing",
        "lead_merge",
        ["tenant_id", "merged_id"],
        unique=True,
        postgresql_where=sa.text("undone_at is null"),
    )
    op.create_table(
        "moved_message",
        *_ids("merge_id", "message_id"),
        *_own("moved_message", ("merge_id", "lead_merge"), ("message_id", "message")),
        sa.PrimaryKeyConstraint("tenant_id", "merge_id", "message_id", name=op.f("pk_moved_message")),
    )
    op.create_index("ix_moved_message_tenant_id_message_id", "moved_message", ["tenant_id", "message_id"])
    op.create_table(
        "distinct_leads",
        *_ids("first_id", "second_id"),
        *_own("distinct_leads", ("first_id", "lead"), ("second_id", "lead")),
        sa.PrimaryKeyConstraint("tenant_id", "first_id", "second_id", name=op.f("pk_distinct_leads")),
    )
    _make_tables_of_imports()
    _make_tables_of_erasures()
    op.create_index("ix_distinct_leads_tenant_id_second_id", "distinct_leads", ["tenant_id", "second_id"])


def _make_tables_of_imports() -> None:
    jsonb = postgresql.JSONB(astext_type=sa.Text())
    states = ("reading", "mapping", "checking", "ready", "applying", "done", "undoing", "undone", "failed")
    op.create_table(
        "lead_import",
        *_ids("id"),
        sa.Column("state", _words("state", *states), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("columns", jsonb, nullable=False),
        sa.Column("mapping", jsonb, nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("total", "checked", "good")),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *_own("lead_import"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_lead_import")),
    )
    op.create_table(
        "lead_import_row",
        *_ids("import_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cells", jsonb, nullable=False),
        sa.Column("address", sa.String(length=80), nullable=True),
        sa.Column("parsed", jsonb, server_default="{}", nullable=False),
        sa.Column("errors", jsonb, server_default="{}", nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=True),
        *_own("lead_import_row", ("import_id", "lead_import")),
        sa.PrimaryKeyConstraint("tenant_id", "import_id", "number", name=op.f("pk_lead_import_row")),
    )


def _make_tables_of_erasures() -> None:
    op.create_table(
        "lead_erasure",
        *_ids("id"),
        sa.Column("about", sa.String(length=40), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        *_own("lead_erasure"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_lead_erasure")),
    )
    op.create_table(
        "erasure_item",
        *_ids("id", "erasure_id"),
        sa.Column("kind", _words("kind", "message", "recording", "call", "file"), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        *_own("erasure_item", ("erasure_id", "lead_erasure")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_erasure_item")),
    )
    op.create_index("ix_erasure_item_due", "erasure_item", ["tenant_id", "next_attempt_at", "id"])
    op.create_index("ix_erasure_item_tenant_id_erasure_id", "erasure_item", ["tenant_id", "erasure_id"])


def _add_columns() -> None:
    jsonb = postgresql.JSONB(astext_type=sa.Text())
    op.alter_column("lead", "source", nullable=True)
    for column in (
        sa.Column("stage_id", sa.Uuid(), nullable=True),
        sa.Column("referral", jsonb, nullable=True),
        sa.Column("value", sa.Numeric(14, 2), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("next_step", sa.String(length=200), server_default="", nullable=False),
        sa.Column("next_step_on", sa.Date(), nullable=True),
        sa.Column("fields", jsonb, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
    ):
        op.add_column("lead", column)
    op.add_column("conversation", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.add_column(
        "conversation", sa.Column("is_blocked", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    for table in ("lead", "conversation"):
        name, own = op.f(f"fk_{table}_tenant_id_merged_into"), ["tenant_id", "merged_into"]
        op.create_foreign_key(name, table, table, own, ["tenant_id", "id"], ondelete="CASCADE")
    op.create_foreign_key(
        op.f("fk_lead_tenant_id_owner_id"),
        "lead",
        "portal_user",
        ["tenant_id", "owner_id"],
        ["tenant_id", "id"],
        ondelete="SET NULL (owner_id)",
    )
    due, merged = sa.text("next_step_on is not null"), sa.text("merged_into is not null")
    op.create_index("ix_lead_due", "lead", ["tenant_id", "next_step_on", "id"], postgresql_where=due)
    op.create_index("ix_conversation_merged", "conversation", ["tenant_id", "merged_into"], postgresql_where=merged)
    op.create_index("ix_lead_merged", "lead", ["tenant_id", "merged_into"], postgresql_where=merged)
    op.create_index(
        "ix_audit_event_of_lead",
        "audit_event",
        ["tenant_id", "subject", sa.literal_column("at desc")],
        postgresql_where=sa.text("action like 'lead:%%'"),
    )


def _give_everybody_stages() -> None:
    op.execute(
        "insert into lead_stage (tenant_id, id, name, colour, kind, position)"  # noqa: S608  # a constant of this file
        " select t.id, gen_random_uuid(), s.name, s.colour, s.kind, s.position"
        f" from tenant t cross join {FIRST_STAGES} as s (name, colour, kind, position, word)"
    )
    op.execute(
        "update lead l set stage_id = s.id from lead_stage s"  # noqa: S608
        f" join {FIRST_STAGES} as w (name, colour, kind, position, word) on w.name = s.name"
        " where s.tenant_id = l.tenant_id and w.word = l.stage"
    )
    # Mexican mobile numbers have lost their 1; WhatsApp still sends it.
    op.execute(
        r"update lead l set address = '+52' || substr(l.address, 5) where l.address ~ '^\+521[0-9]{10}$'"
        r" and not exists (select from lead o where o.tenant_id = l.tenant_id and o.address = '+52' || substr(l.address, 5))"
    )
    op.execute("set constraints all immediate")


def downgrade() -> None:
    for name, table in MADE.items():
        op.execute(f"drop trigger {name.rpartition('.')[2]} on {table}")
        op.execute(f"drop function {name}()")
    op.drop_index("ix_audit_event_of_lead", "audit_event")
    for name in ("merged_into", "is_blocked"):
        op.drop_column("conversation", name)
    for name in (
        "merged_into", "blocked_at", "fields", "next_step_on", "next_step", "owner_id", "value", "referral", "stage_id",
    ):  # fmt: skip
        op.drop_column("lead", name)
    # The version before knows nobody who came by no channel.
    _bind_the_owner(False)
    op.execute("update lead set source = 'sms' where source is null")
    _bind_the_owner(True)
    op.alter_column("lead", "source", nullable=False)
    for table in TABLES:
        op.drop_table(table)
    op.drop_table("lead_stage")
    op.drop_column("tenant", "currency")
