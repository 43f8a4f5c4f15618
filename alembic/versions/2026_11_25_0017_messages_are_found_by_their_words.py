"""Messages are found by their words.

Row-level security keeps an index on words from being used, since matching them is not leakproof. So `portal_search`, a
role that nobody can act as, owns the one function that looks words up: `search.messages(text, before, limit)` reads the
tenant from the session's setting itself, sets nothing, and returns ids of that tenant's messages and no more.

What a webhook writes has no such index. A job takes the words in afterwards (`search.take_in`); what it has not
reached is read directly (`search.latest`). The words of 4,096 messages of a tenant carry one mark and are a segment; a
search goes through the segments, newest first, until its page is full: a word that stands in every message costs as
little as a rare one, and other tenants' words are not even passed by.

Must not break the version of the code before it: only adds.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

WORDS = """
create function search.words(p_text text) returns text[]
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
    select coalesce(array_agg(distinct left(w, 60)), '{}')
    from regexp_split_to_table(lower(left(p_text, 8000)), '[^[:alnum:]]+') as w where w <> ''
$$;
create function search.mark(p_tenant uuid, p_segment uuid) returns text
language sql immutable parallel safe as $$ select left(md5(p_tenant::text || p_segment::text), 8) $$;
create function search.id_at(p_time timestamptz) returns uuid
language sql immutable parallel safe as $$
    select (lpad(to_hex((extract(epoch from p_time) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;
create function search.marked(p_mark text, p_text text) returns tsvector
language sql immutable parallel safe as $$
    select array_to_tsvector(array(select p_mark || w from unnest(search.words(p_text)) as w))
$$;
create function search.has_words(p_text text, p_words text[]) returns boolean
language sql immutable parallel safe as $$
    select not exists (select from unnest(p_words) as p
                       where not exists (select from unnest(search.words(p_text)) as w where starts_with(w, p)))
$$;
create function search.text_of(m public.message) returns text
language sql stable as $$
    select case when m.channel_kind = 'voicemail' then concat_ws(' ', m.body,
        (select string_agg(v.transcript, ' ') from public.voicemail v
         where v.tenant_id = m.tenant_id and v.message_id = m.id)) else m.body end
$$;
"""

MESSAGES = """
create function search.messages(p_text text, p_before uuid, p_limit int) returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp rows 30 as $$
declare
    v_tenant uuid := current_setting('app.tenant_id')::uuid;
    v_words text[] := search.words(p_text);
    v_upper uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    v_query tsquery;
    v_first uuid;
    v_left int := least(p_limit, 100);
    v_found int;
begin
    if cardinality(v_words) = 0 then
        return;
    end if;
    for v_first in select s.first_id from public.search_segment s
        where s.tenant_id = v_tenant and s.first_id < coalesce(p_before, v_upper) order by s.first_id desc
    loop
        -- Words are letters and digits only: nothing in them could end the quotes.
        v_query := (select string_agg('''' || search.mark(v_tenant, v_first) || w || ''':*', ' & ')::tsquery
                    from unnest(v_words) as w);
        -- Materialized, or a walk down the primary key would look promising, and read all that has not the word.
        return query with hit as materialized (
            select s.tenant_id, s.message_id from public.message_search s where s.words @@ v_query
        ) select h.message_id from hit h
        where h.tenant_id = v_tenant and h.message_id > v_first and h.message_id <= v_upper
          and (p_before is null or h.message_id < p_before)
        order by h.message_id desc limit v_left;
        get diagnostics v_found = row_count;
        v_left := v_left - v_found;
        exit when v_left <= 0;
        v_upper := v_first;
    end loop;
end
$$;
"""

# As the caller, whose rows are one tenant's.
LATEST = """
create function search.latest(p_text text, p_before uuid, p_limit int) returns setof uuid
language sql stable rows 30 as $$
    with latest as materialized (
        select m from public.message m
        where m.tenant_id = current_setting('app.tenant_id')::uuid
          and m.id > coalesce((select s.last_id from public.search_segment s
                               where s.tenant_id = current_setting('app.tenant_id')::uuid
                               order by s.first_id desc limit 1), '00000000-0000-0000-0000-000000000000')
          and (p_before is null or m.id < p_before)
        order by m.id desc limit 3000
    ) select (m).id from latest
    where cardinality(search.words(p_text)) > 0 and search.has_words(search.text_of(m), search.words(p_text))
    order by (m).id desc limit p_limit
$$;
"""

# Ids are made before their row is stored, some long before (the spool of an outage): a day back, what is missing is added.
TAKE_IN = """
create function search.take_in(p_limit int, p_until timestamptz) returns int language plpgsql as $$
declare
    c_nothing constant uuid := '00000000-0000-0000-0000-000000000000';
    v_tenant uuid := current_setting('app.tenant_id')::uuid;
    v_segment public.search_segment;
    v_last uuid;
    v_count int;
begin
    insert into public.search_segment (tenant_id, first_id, last_id, messages)
    select v_tenant, c_nothing, c_nothing, 0
    where not exists (select from public.search_segment s where s.tenant_id = v_tenant)
    on conflict do nothing;
    select * into strict v_segment from public.search_segment s
    where s.tenant_id = v_tenant order by s.first_id desc limit 1 for update;
    with fresh as (
        select m from public.message m
        where m.tenant_id = v_tenant and m.id > v_segment.last_id
          and m.id < search.id_at(p_until)
        order by m.id limit least(p_limit, 4096 - v_segment.messages)
    ), added as (
        insert into public.message_search (tenant_id, message_id, words)
        select v_tenant, (m).id, search.marked(search.mark(v_tenant, v_segment.first_id), search.text_of(m)) from fresh
        on conflict do nothing
    ) select count(*), (array_agg((m).id order by (m).id desc))[1] into v_count, v_last from fresh;
    if v_count > 0 then
        update public.search_segment s set last_id = v_last, messages = v_segment.messages + v_count
        where s.tenant_id = v_tenant and s.first_id = v_segment.first_id;
    end if;
    if v_segment.messages + v_count >= 4096 then
        insert into public.search_segment (tenant_id, first_id, last_id, messages) values (v_tenant, v_last, v_last, 0);
    end if;
    return v_count;
end
$$;
create function search.take_in_late() returns int language plpgsql as $$
declare
    v_tenant uuid := current_setting('app.tenant_id')::uuid;
    v_since uuid := search.id_at(now() - interval '1 day');
    v_count int;
begin
    with segment as (
        select s.first_id, s.last_id, lead(s.first_id) over (order by s.first_id) as next_id
        from public.search_segment s where s.tenant_id = v_tenant
    ), late as (
        select m, s.first_id from public.message m join segment s
          on m.id > s.first_id and m.id <= coalesce(s.next_id, s.last_id)
        where m.tenant_id = v_tenant and m.id > v_since
          and (m.channel_kind = 'voicemail' or not exists (select from public.message_search f
              where f.tenant_id = v_tenant and f.message_id = m.id))
    ), added as (
        insert into public.message_search as f (tenant_id, message_id, words)
        select v_tenant, (m).id, search.marked(search.mark(v_tenant, first_id), search.text_of(m)) from late
        on conflict (tenant_id, message_id) do update set words = excluded.words where f.words <> excluded.words
        returning 1
    ) select count(*) into v_count from added;
    return v_count;
end
$$;
"""

SWEEP = """
create function jobs.sweep_search() returns bigint
language sql security definer set search_path = jobs, pg_temp as $$
    select count(*) from (select jobs.wake('inbox.take_in_words', t.id, interval '0') from public.tenant t
    where exists (
        select from public.message m where m.tenant_id = t.id and m.id > coalesce(
            (select s.last_id from public.search_segment s where s.tenant_id = t.id order by s.first_id desc limit 1),
            '00000000-0000-0000-0000-000000000000')
          and m.id < search.id_at(now() - interval '1 minute')
    )) as woken
$$;
revoke all on function jobs.sweep_search() from public;
grant execute on function jobs.sweep_search() to portal_jobs;
"""

RIGHTS = """
revoke all on all functions in schema search from public;
grant usage on schema search to portal_app, portal_search, portal_jobs;
grant execute on all functions in schema search to portal_app;
grant execute on function search.words(text), search.mark(uuid, uuid) to portal_search;
grant execute on function search.id_at(timestamptz) to portal_jobs;
grant create on schema search to portal_search;
alter function search.messages(text, uuid, int) owner to portal_search;
revoke create on schema search from portal_search;
grant create on schema jobs to portal_jobs;
alter function jobs.sweep_search() owner to portal_jobs;
revoke create on schema jobs from portal_jobs;
"""


def upgrade() -> None:
    _create_tables()
    op.execute("create schema search")
    # Read when the functions are made, before the wall is built anew.
    op.execute("grant select on message_search, search_segment to portal_search")
    op.execute("grant select on search_segment to portal_jobs")
    op.execute("grant select (id) on message to portal_jobs")
    op.execute("grant select (id) on tenant to portal_jobs")
    # The bare cursor: in SQL that goes through the driver's parameters every % would have to be doubled.
    cursor = op.get_bind().connection.cursor()
    for statement in (WORDS, MESSAGES, LATEST, TAKE_IN, SWEEP, RIGHTS):
        cursor.execute(statement)


def _create_tables() -> None:
    op.create_table(
        "message_search",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "message_id"],
            ["message.tenant_id", "message.id"],
            name=op.f("fk_message_search_tenant_id_message_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "message_id", name=op.f("pk_message_search")),
    )
    op.create_index(
        "ix_message_search_words",
        "message_search",
        ["words"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_table(
        "search_segment",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("last_id", sa.Uuid(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_search_segment_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "first_id", name=op.f("pk_search_segment")),
    )


def downgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    # Of their owners only.
    for role, function in (
        ("portal_jobs", "jobs.sweep_search()"),
        ("portal_search", "search.messages(text, uuid, int)"),
    ):
        cursor.execute(f"set local role {role}")
        cursor.execute(f"drop function {function}")
    cursor.execute("set local role portal_owner")
    cursor.execute("drop schema search cascade")
    for table in ("search_segment", "message_search"):
        op.drop_table(table)
