"""Consent of a lead has a history of its own, channel by channel, with its proof.

- `consent`: one row for each word. The application may add rows and read them, and change none.
- `consent_noted`: keeps `lead.opted_out_at`, since when any text channel is withdrawn. Nothing else writes it, but for the
  merging of leads.
- `front_door.store_events`: a message with a keyword makes such a row instead of writing to the lead, in the loop that
  such messages went through already; `front_door.store_known`, the way of all others, stays as it is.
- `front_door.store_status`: so does a message that Twilio refused because of its recipient's STOP (21610).

Must not break the version of the code before it: `opted_out_at` says what it said, and the functions keep their shape.
"""

import sqlalchemy as sa

from alembic import context, op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

NOTED = """
create function consent_noted() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
    v_kept uuid;
    v_since timestamptz;
begin
    select coalesce(l.merged_into, l.id) into v_kept from lead l where l.tenant_id = new.tenant_id and l.id = new.lead_id;
    -- The lead's row first: two words about one person are weighed one after the other.
    perform from lead l where l.tenant_id = new.tenant_id and l.id = v_kept for update;
    select min(s.at) into v_since from (
        select distinct on (c.channel_kind) c.kind, c.at from consent c
        join lead l on l.tenant_id = c.tenant_id and l.id = c.lead_id
        where c.tenant_id = new.tenant_id and (l.id = v_kept or l.merged_into = v_kept)
          and c.channel_kind in ('sms', 'whatsapp')
        order by c.channel_kind, c.at desc, c.id desc) as s
    where s.kind = 'withdrawn';
    update lead l set opted_out_at = v_since
    where l.tenant_id = new.tenant_id and l.id in (v_kept, new.lead_id) and l.opted_out_at is distinct from v_since;
    return null;
end
$$;
create trigger consent_noted after insert on consent for each row execute function consent_noted();
revoke all on function consent_noted() from public;
"""
# What was in store_events, and what stands there now.
EVENTS = (
    ("case when r.opt_out = 'stop' then v_at end, v_at)", "null, v_at)"),
    (
        """
           or r.opt_out = 'stop' and v_lead.opted_out_at is null or r.opt_out = 'start' and v_lead.opted_out_at is not null
""",
        "\n",
    ),
    (
        """coalesce(nullif(r.place, ''), l.place),
                opted_out_at = case r.opt_out when 'stop' then coalesce(l.opted_out_at, v_at)
                                              when 'start' then null else l.opted_out_at end
""",
        "coalesce(nullif(r.place, ''), l.place)\n",
    ),
    (
        """
        update conversation c set
            unread_count = c.unread_count + 1,""",
        """
        -- A plain "Yes" of somebody who never unsubscribed answers a question, and is no proof of anything.
        if r.opt_out = 'stop' or r.opt_out = 'start' and v_lead.opted_out_at is not null then
            insert into consent (tenant_id, id, lead_id, channel_kind, kind, source, message_id, text, note, actor_name, at,
                                 recorded_at)
            values (v_tenant, front_door.uuid7(), v_lead.id, r.kind,
                    case r.opt_out when 'stop' then 'withdrawn' else 'given' end, 'message', r.message_id,
                    left(r.body, 500), '', '', v_at, now());
        end if;

        update conversation c set
            unread_count = c.unread_count + 1,""",
    ),
)
STATUS = (
    (
        """update public.lead l set opted_out_at = coalesce(l.opted_out_at, now())
        from public.conversation c
        where c.tenant_id = p_tenant and c.id = m.conversation_id and l.tenant_id = p_tenant and l.id = c.lead_id;""",
        """insert into public.consent (tenant_id, id, lead_id, channel_kind, kind, source, message_id, text, note, actor_name,
                                    at, recorded_at)
        select p_tenant, front_door.uuid7(), c.lead_id, x.channel_kind, 'withdrawn', 'twilio', x.id, '', '', '', now(), now()
        from public.conversation c, public.message x
        where c.tenant_id = p_tenant and c.id = m.conversation_id
          and x.tenant_id = p_tenant and x.id = (p->>'message_id')::uuid;""",
    ),
)


def upgrade() -> None:
    _create_consent()
    _take_over_earlier()
    cursor = op.get_bind().connection.cursor()
    cursor.execute(NOTED)
    _replace(_patched(_store_status(), STATUS), _patched(_store_events(), EVENTS))


def _create_consent() -> None:
    op.create_table(
        "consent",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("tenant_id", "id", "lead_id")),
        sa.Column("channel_kind", _words("channel_kind", "sms", "whatsapp", "voicemail"), nullable=False),
        sa.Column("kind", _words("kind", "given", "withdrawn"), nullable=False),
        sa.Column(
            "source", _words("source", "message", "call", "import", "by-hand", "twilio", "earlier"), nullable=False
        ),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.String(500), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        _own("lead_id", "lead", "CASCADE"),
        _own("message_id", "message", "SET NULL (message_id)"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_consent")),
    )
    newest = [sa.literal_column("at desc"), sa.literal_column("id desc")]
    op.create_index("ix_consent_lead", "consent", ["tenant_id", "lead_id", "channel_kind", *newest])
    op.create_index(
        "ix_consent_message",
        "consent",
        ["tenant_id", "message_id"],
        postgresql_where=sa.text("message_id is not null"),
    )


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=16)


def _own(column: str, table: str, ondelete: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_consent_tenant_id_{column}")
    theirs = [f"{table}.tenant_id", f"{table}.id"]
    return sa.ForeignKeyConstraint(["tenant_id", column], theirs, name=name, ondelete=ondelete)


def _take_over_earlier() -> None:
    """Who has unsubscribed already. On which channel was not kept, so it is taken to be the one they came by."""
    # The policies bind the owner as well; these rows are of every tenant.
    op.execute("alter table lead no force row level security")
    op.execute(
        "insert into consent (tenant_id, id, lead_id, channel_kind, kind, source, text, note, actor_name, at, recorded_at)"
        " select tenant_id, front_door.uuid7(), id, case source when 'whatsapp' then 'whatsapp' else 'sms' end,"
        " 'withdrawn', 'earlier', '', '', '', opted_out_at, now() from lead where opted_out_at is not null"
    )
    op.execute("alter table lead force row level security")


def _store_events() -> str:
    module = context.script.get_revision("0006").module
    source: str = module.STORE_EVENTS
    return source.replace("ROWS_OF_THE_BATCH", module.ROWS)


def _store_status() -> str:
    source: str = context.script.get_revision("0003").module.STATUS
    return source[source.index("create function front_door.store_status") :]


def _patched(source: str, changes: tuple[tuple[str, str], ...]) -> str:
    for before, after in changes:
        if source.count(before) != 1:
            raise RuntimeError("the function is not the one that this revision changes")
        source = source.replace(before, after)
    return source


def _replace(*functions: str) -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute("grant create on schema front_door to portal_app")
    cursor.execute("set local role portal_app")
    for function in functions:
        cursor.execute(function.replace("create function", "create or replace function", 1))
    cursor.execute("set local role portal_owner")
    cursor.execute("revoke create on schema front_door from portal_app")


def downgrade() -> None:
    _replace(_store_status(), _store_events())
    op.drop_table("consent")
    op.execute("drop function consent_noted()")
