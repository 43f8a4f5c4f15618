"""What is plain in a batch is stored by one statement; the rest, row by row, as before.

Most webhooks are the next message of a known person on a connected number. `front_door.store_known(rows)` stores those
of a whole batch together, since the start of a statement costs PostgreSQL more than the row it writes (measured: 0.46 of
the time of a loop). It belongs to a role of its own, `portal_intake`, that may add messages, move a thread's counters and
read no body; row-level security binds it to the tenants that the batch names, and every key it joins and refers by
carries the tenant. Whatever it leaves (first messages, new names, pictures, opt-outs, tests, copies, all that
changes something), and every row of the same thread, so that a thread keeps its order, goes through the loop of
`front_door.store_events(rows)`, as revision 0003 describes it.

`front_door.end_of_batch(…)` then writes once what rows share: counters of the hour, in the order of tenants, which is
one lock order, and the last webhook of a channel, past rows that another process is just writing.

The words of `message` and `conversation` become domains: PostgreSQL parses CHECKs of a table for every statement anew.

Must not break the version of the code before it: the function keeps its shape, and nothing that is read goes away.
"""

from alembic import context, op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

DOMAINS = {
    "channel_kind": "'sms', 'whatsapp', 'voicemail'",
    "direction": "'in', 'out'",
    "message_status": (
        "'received', 'queued', 'sending', 'unknown', 'accepted', 'sent', 'delivered', 'read', 'undelivered', 'failed',"
        " 'canceled'"
    ),
}
COLUMNS = {
    "message": {"channel_kind": "channel_kind", "direction": "direction", "status": "message_status"},
    "conversation": {"last_channel": "channel_kind", "last_direction": "direction"},
}

ROWS = """jsonb_to_recordset(p_rows) as x(
            n int, event text, tenant_id uuid, thread text, data jsonb, message_id uuid, kind text, provider_sid text,
            channel_number text, our_number text, lead_number text, body text, preview text, profile_name text,
            place text, opt_out text, details jsonb, media jsonb, received_at timestamptz)"""

# Planned once, for any batch: with indexes only, even while the tables are empty, and in the order of tenant and thread,
# which is the one order in which locks are taken.
STORE_KNOWN = """
create function front_door.store_known(p_rows jsonb)
returns table (n int, tenant_id uuid, message_id uuid, channel_id uuid, channel_config jsonb)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_material = off set enable_hashagg = off as $$
#variable_conflict use_column
declare
    v_set text;
begin
    v_set := set_config('app.tenant_ids', (
        select string_agg(distinct x->>'tenant_id', ',') from jsonb_array_elements(p_rows) as x), true);
    return query
    with received as (
        select x.*, c.id as channel_id, c.config, l.id as lead_id, t.id as conversation_id,
               c.last_webhook_at < now() - interval '1 second' or c.last_webhook_at is null as is_due,
               coalesce(x.received_at, now()) as at,
               bool_and((x.event = 'message' and c.id is not null and t.id is not null and x.opt_out is null
                         and jsonb_array_length(x.media) = 0
                         and x.profile_name in ('', l.profile_name) and x.place in ('', l.place)
                         and (coalesce(c.test_token, '') = '' or position(c.test_token in x.body) = 0
                                                   and x.profile_name <> c.test_token)) is true)
               over (partition by x.tenant_id, x.thread) as is_plain
        from ROWS_OF_THE_BATCH
        left join channel c on c.tenant_id = x.tenant_id and c.kind = x.kind and c.phone_number = x.channel_number
                           and c.state <> 'disconnected'
        left join lead l on l.tenant_id = x.tenant_id and l.address = x.thread
        left join conversation t on t.tenant_id = l.tenant_id and t.lead_id = l.id),
    -- The second copy of a message is left to the loop, which tells it from the first.
    known as materialized (
        select distinct on (r.tenant_id, r.thread, r.provider_sid) * from received r where r.is_plain
        order by r.tenant_id, r.thread, r.provider_sid, r.n),
    stored as (
        insert into message as m (tenant_id, id, conversation_id, channel_kind, direction, status, body, provider_sid,
                                  our_number, lead_number, media_count, details, author_name, created_at, status_at)
        select k.tenant_id, k.message_id, k.conversation_id, k.kind, 'in', 'received', k.body, k.provider_sid,
               k.our_number, k.lead_number, 0, k.details, '', k.at, now()
        from known k
        on conflict (tenant_id, provider_sid) do nothing
        returning m.tenant_id, m.id),
    threads as (
        select k.tenant_id, k.lead_id, count(*)::int as messages, max(k.at) as at,
               (array_agg(k.preview order by k.at desc, k.n desc))[1] as preview,
               (array_agg(k.kind order by k.at desc, k.n desc))[1] as kind
        from known k join stored s on s.tenant_id = k.tenant_id and s.id = k.message_id
        group by k.tenant_id, k.lead_id),
    -- A message from the spool may be older than the newest one: it is counted, and takes its place by its id.
    moved as (
        update conversation t set
            unread_count = t.unread_count + g.messages,
            message_count = t.message_count + g.messages,
            preview = case when g.at >= t.last_message_at then g.preview else t.preview end,
            last_channel = case when g.at >= t.last_message_at then g.kind else t.last_channel end,
            last_direction = case when g.at >= t.last_message_at then 'in' else t.last_direction end,
            last_message_at = greatest(t.last_message_at, g.at)
        from threads g where t.tenant_id = g.tenant_id and t.lead_id = g.lead_id)
    select k.n, k.tenant_id, k.message_id, case when k.is_due then k.channel_id end,
           case when k.kind = 'voicemail' then k.config end
    from known k join stored s on s.tenant_id = k.tenant_id and s.id = k.message_id;
end
$$;
"""

END_OF_BATCH = """
create function front_door.end_of_batch(p_tenants uuid[], p_channels uuid[]) returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    v_set text := set_config('app.tenant_ids', array_to_string(p_tenants, ','), true);
begin
    insert into tenant_hour as h (tenant_id, hour, messages_in, messages_out, failures, last_webhook_at)
    select t, date_trunc('hour', now(), 'UTC'), count(*), 0, 0, now() from unnest(p_tenants) as t group by t order by t
    on conflict (tenant_id, hour) do update
    set messages_in = h.messages_in + excluded.messages_in, last_webhook_at = excluded.last_webhook_at;
    -- Once a second is enough for a page, and saves a row version for every message.
    if p_channels <> '{}' then
        update channel c set last_webhook_at = now() from (
            select d.tenant_id, d.id from channel d
            where d.tenant_id = any (p_tenants) and d.id = any (p_channels)
              and (d.last_webhook_at is null or d.last_webhook_at < now() - interval '1 second')
            order by d.tenant_id, d.id for no key update skip locked) as due
        where c.tenant_id = due.tenant_id and c.id = due.id;
    end if;
end
$$;
"""

STORE_EVENTS = """
create or replace function front_door.store_events(p_rows jsonb)
returns table (n int, outcome text, message_id uuid, channel_config jsonb)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
#variable_conflict use_column
declare
    r record;
    v_channel record;
    v_lead record;
    v_conversation uuid;
    v_tenant uuid;
    v_at timestamptz;
    v_set text;
    v_done int[] := '{}';
    v_tenants uuid[] := '{}';
    v_channels uuid[] := '{}';
    v_touched uuid[] := '{}';
begin
    outcome := 'stored';
    for r in select * from front_door.store_known(p_rows) loop
        n := r.n;
        message_id := r.message_id;
        channel_config := r.channel_config;
        v_done := array_append(v_done, n);
        v_tenants := array_append(v_tenants, r.tenant_id);
        if r.channel_id is not null then
            v_channels := array_append(v_channels, r.channel_id);
        end if;
        return next;
    end loop;

    if cardinality(v_done) < jsonb_array_length(p_rows) then
    for r in
        select * from ROWS_OF_THE_BATCH where x.n <> all (v_done) order by x.tenant_id, x.thread, x.n
    loop
        if r.tenant_id is distinct from v_tenant then
            v_tenant := r.tenant_id;
            v_set := set_config('app.tenant_id', v_tenant::text, true);
        end if;
        n := r.n;
        message_id := r.message_id;
        channel_config := null;

        if r.event <> 'message' then
            outcome := case r.event
                when 'status' then front_door.store_status(v_tenant, r.data)
                when 'recording' then front_door.store_recording(v_tenant, r.data)
                when 'transcription' then front_door.store_transcription(v_tenant, r.data)
                when 'call-end' then front_door.store_call_end(v_tenant, r.data) end;
            if outcome = 'stored' then
                v_touched := array_append(v_touched, v_tenant);
            end if;
            return next;
            continue;
        end if;

        select c.id, c.config, c.test_token into v_channel from channel c
        where c.tenant_id = v_tenant and c.kind = r.kind and c.phone_number = r.channel_number
          and c.state <> 'disconnected';
        if not found then
            outcome := 'unknown-number';
            return next;
            continue;
        end if;
        if r.kind = 'voicemail' then
            channel_config := v_channel.config;
        end if;
        if v_channel.test_token <> '' and (position(v_channel.test_token in r.body) > 0
                                           or r.kind = 'voicemail' and r.profile_name = v_channel.test_token) then
            update channel c set last_webhook_at = now(), test_passed_at = now(), test_result =
                case when r.kind = 'voicemail' then format('A call from %s arrived.', r.lead_number)
                     else format('%s sent: %s', r.lead_number, left(r.body, 160)) end
            where c.tenant_id = v_tenant and c.id = v_channel.id and c.test_passed_at is null;
            v_touched := array_append(v_touched, v_tenant);
            outcome := 'test';
            return next;
            continue;
        end if;

        v_at := coalesce(r.received_at, now());
        select l.id, l.profile_name, l.place, l.opted_out_at, c.id as conversation_id into v_lead
        from lead l left join conversation c on c.tenant_id = l.tenant_id and c.lead_id = l.id
        where l.tenant_id = v_tenant and l.address = r.thread and c.tenant_id = v_tenant;
        if not found then
            insert into lead as l (tenant_id, id, address, name, profile_name, place, stage, source, opted_out_at, created_at)
            values (v_tenant, front_door.uuid7(), r.thread, '', r.profile_name, r.place, 'new', r.kind,
                    case when r.opt_out = 'stop' then v_at end, v_at)
            on conflict (tenant_id, address) do update set address = l.address
            returning l.id, l.profile_name, l.place, l.opted_out_at, null::uuid as conversation_id into v_lead;
            insert into conversation as c (tenant_id, id, lead_id, unread_count, message_count, preview, last_channel,
                                           last_direction, last_message_at, created_at)
            values (v_tenant, front_door.uuid7(), v_lead.id, 0, 0, '', r.kind, 'in', v_at, v_at)
            on conflict (tenant_id, lead_id) do update set lead_id = c.lead_id
            returning c.id into v_lead.conversation_id;
        end if;
        v_conversation := v_lead.conversation_id;
        -- Most messages change nothing about the lead: no row version for those.
        if r.profile_name not in ('', v_lead.profile_name) or r.place not in ('', v_lead.place)
           or r.opt_out = 'stop' and v_lead.opted_out_at is null or r.opt_out = 'start' and v_lead.opted_out_at is not null
        then
            update lead l set
                profile_name = coalesce(nullif(r.profile_name, ''), l.profile_name),
                place = coalesce(nullif(r.place, ''), l.place),
                opted_out_at = case r.opt_out when 'stop' then coalesce(l.opted_out_at, v_at)
                                              when 'start' then null else l.opted_out_at end
            where l.tenant_id = v_tenant and l.id = v_lead.id;
        end if;

        insert into message (tenant_id, id, conversation_id, channel_kind, direction, status, body, provider_sid,
                             our_number, lead_number, media_count, details, author_name, created_at, status_at)
        values (v_tenant, r.message_id, v_conversation, r.kind, 'in', 'received', r.body, r.provider_sid,
                r.our_number, r.lead_number, jsonb_array_length(r.media), r.details, '', v_at, now())
        on conflict (tenant_id, provider_sid) do nothing;
        if not found then
            select m.id into message_id from message m where m.tenant_id = v_tenant and m.provider_sid = r.provider_sid;
            outcome := 'duplicate';
            return next;
            continue;
        end if;

        update conversation c set
            unread_count = c.unread_count + 1,
            message_count = c.message_count + 1,
            preview = case when v_at >= c.last_message_at then r.preview else c.preview end,
            last_channel = case when v_at >= c.last_message_at then r.kind else c.last_channel end,
            last_direction = case when v_at >= c.last_message_at then 'in' else c.last_direction end,
            last_message_at = greatest(c.last_message_at, v_at)
        where c.tenant_id = v_tenant and c.lead_id = v_lead.id;

        if jsonb_array_length(r.media) > 0 then
            insert into media (tenant_id, id, message_id, position, source_url, declared_type, content_type, state,
                               attempts, next_attempt_at, created_at)
            select v_tenant, x.id, r.message_id, x.position, x.url, x.type, '', 'waiting', 0, now(), now()
            from jsonb_to_recordset(r.media) as x(id uuid, position int, url text, type text)
            on conflict do nothing;
            perform jobs.wake('inbox.fetch_media', v_tenant, interval '0');
        end if;

        v_tenants := array_append(v_tenants, v_tenant);
        v_channels := array_append(v_channels, v_channel.id);
        outcome := 'stored';
        return next;
    end loop;
    end if;

    if v_tenants <> '{}' then
        perform front_door.end_of_batch(v_tenants, v_channels);
    end if;
    -- 200 ids of 37 characters stay below the 8000 that a payload may have.
    perform pg_notify('portal_live', string_agg(t::text, ','))
    from (select t, row_number() over () / 200 as part
          from (select distinct unnest(v_touched || v_tenants) as t) as u) as v group by part;
end
$$;
"""

# The wall (models/row_level_security.py) gives portal_intake its few columns after the last migration.
RIGHTS = """
revoke all on function front_door.store_known(jsonb), front_door.end_of_batch(uuid[], uuid[]) from public;
grant usage on schema front_door to portal_intake;
grant create on schema front_door to portal_intake;
grant execute on function front_door.store_known(jsonb), front_door.end_of_batch(uuid[], uuid[]) to portal_app;
alter function front_door.store_known(jsonb) owner to portal_intake;
alter function front_door.end_of_batch(uuid[], uuid[]) owner to portal_intake;
revoke create on schema front_door from portal_intake;
"""


def upgrade() -> None:
    for domain in DOMAINS:
        op.execute(f"create domain {domain} as text")
    for table, columns in COLUMNS.items():
        for column, domain in columns.items():
            op.drop_constraint(op.f(f"ck_{table}_{column}"), table)
            op.execute(f"alter table {table} alter column {column} type {domain}")
    # Afterwards, since a column whose new type has a condition would be written anew: this way it is only read.
    for domain, words in DOMAINS.items():
        op.execute(f"alter domain {domain} add check (value in ({words}))")
    cursor = op.get_bind().connection.cursor()
    for statement in (STORE_KNOWN, END_OF_BATCH, STORE_EVENTS, RIGHTS):
        cursor.execute(statement.replace("ROWS_OF_THE_BATCH", ROWS))


def downgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute(context.script.get_revision(down_revision).module.STORE)
    # Of its owner only: that of the loop above them is another one.
    cursor.execute("set local role portal_intake")
    cursor.execute("drop function front_door.store_known(jsonb), front_door.end_of_batch(uuid[], uuid[])")
    cursor.execute("set local role portal_owner")
    for table, columns in COLUMNS.items():
        for column, domain in columns.items():
            op.execute(f"alter table {table} alter column {column} type varchar(16)")
            op.create_check_constraint(op.f(f"ck_{table}_{column}"), table, f"{column} in ({DOMAINS[domain]})")
    for domain in DOMAINS:
        op.execute(f"drop domain {domain}")
