"""The front door's SQL: whose is an AccountSid, and the one call that stores what Twilio sent.

`front_door.resolve_account(sid)` gives the tenant, its state and its sealed tokens for exactly one known SID.

`front_door.store_messages(rows)` takes a JSON array of verified requests, any number of tenants mixed, and stores them in
the caller's one transaction. For each row, in the order (tenant, sender, n), which is also the one lock order:

1. set the tenant, so that row-level security judges every statement that follows;
2. find the channel by kind and number inside the tenant; without one the row is not stored (`unknown-number`);
3. upsert the lead; its row lock makes copies of one message wait for each other;
4. stop at a message that is already there (`duplicate`);
5. upsert the conversation with its counters, insert the message and its media, wake the media job;
6. count the message in the tenant's hour.

At the end one NOTIFY names all tenants of the batch: NOTIFY holds a global lock until commit, so one is all we spend.
Result: for each n the outcome (`stored`, `duplicate`, `unknown-number`), the message's id and the channel's config.

Must not break the version of the code before it: add first, remove one release later.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

RESOLVE = """
create schema front_door;
create function front_door.resolve_account(p_sid text)
returns table (tenant_id uuid, state text, token_sealed bytea, previous_sealed bytea)
language sql stable security definer rows 1 set search_path = pg_catalog, pg_temp as $$
    select s.tenant_id, t.state, s.auth_token_sealed,
           case when s.previous_token_until > now() then s.previous_auth_token_sealed end
    from public.subaccount s join public.tenant t on t.id = s.tenant_id
    where s.account_sid = p_sid and t.state <> 'closed'
$$;
"""

STORE = """
create function front_door.store_messages(p_rows jsonb)
returns table (n int, outcome text, message_id uuid, channel_config jsonb)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
#variable_conflict use_column
declare
    r record;
    v_channel uuid;
    v_lead uuid;
    v_conversation uuid;
    v_touched uuid[] := '{}';
begin
    for r in
        select * from jsonb_to_recordset(p_rows) as x(
            n int, tenant_id uuid, message_id uuid, lead_id uuid, conversation_id uuid, kind text, status text,
            provider_sid text, address text, channel_number text, our_number text, lead_number text, body text,
            preview text, profile_name text, place text, opt_out text, details jsonb, media jsonb)
        order by x.tenant_id, x.address, x.n
    loop
        perform set_config('app.tenant_id', r.tenant_id::text, true);
        n := r.n;
        message_id := r.message_id;

        update channel c set last_webhook_at = now()
        where c.tenant_id = r.tenant_id and c.kind = r.kind and c.phone_number = r.channel_number
          and c.state <> 'disconnected'
        returning c.id, c.config into v_channel, channel_config;
        if v_channel is null then
            outcome := 'unknown-number';
            return next;
            continue;
        end if;

        insert into lead as l (tenant_id, id, address, name, profile_name, place, stage, source, opted_out_at, created_at)
        values (r.tenant_id, r.lead_id, r.address, '', r.profile_name, r.place, 'new', r.kind,
                case when r.opt_out = 'stop' then now() end, now())
        on conflict (tenant_id, address) do update set
            profile_name = coalesce(nullif(excluded.profile_name, ''), l.profile_name),
            place = coalesce(nullif(excluded.place, ''), l.place),
            opted_out_at = case r.opt_out when 'stop' then coalesce(l.opted_out_at, now())
                                          when 'start' then null else l.opted_out_at end
        returning l.id into v_lead;

        select m.id into message_id from message m where m.tenant_id = r.tenant_id and m.provider_sid = r.provider_sid;
        if found then
            outcome := 'duplicate';
            return next;
            continue;
        end if;
        message_id := r.message_id;

        insert into conversation as c (tenant_id, id, lead_id, unread_count, message_count, preview, last_channel,
                                       last_direction, last_message_at, created_at)
        values (r.tenant_id, r.conversation_id, v_lead, 1, 1, r.preview, r.kind, 'in', now(), now())
        on conflict (tenant_id, lead_id) do update set
            unread_count = c.unread_count + 1, message_count = c.message_count + 1, preview = excluded.preview,
            last_channel = excluded.last_channel, last_direction = 'in', last_message_at = excluded.last_message_at
        returning c.id into v_conversation;

        insert into message (tenant_id, id, conversation_id, channel_kind, direction, status, body, provider_sid,
                             our_number, lead_number, media_count, details, author_name, created_at, status_at)
        values (r.tenant_id, r.message_id, v_conversation, r.kind, 'in', r.status, r.body, r.provider_sid,
                r.our_number, r.lead_number, jsonb_array_length(r.media), r.details, '', now(), now());

        if jsonb_array_length(r.media) > 0 then
            insert into media (tenant_id, id, message_id, position, source_url, declared_type, content_type, state,
                               attempts, next_attempt_at, created_at)
            select r.tenant_id, x.id, r.message_id, x.position, x.url, x.type, '', 'waiting', 0, now(), now()
            from jsonb_to_recordset(r.media) as x(id uuid, position int, url text, type text)
            on conflict do nothing;
            perform jobs.wake('inbox.fetch_media', r.tenant_id, interval '0');
        end if;

        insert into tenant_hour as h (tenant_id, hour, messages_in, messages_out, failures, last_webhook_at)
        values (r.tenant_id, date_trunc('hour', now(), 'UTC'), 1, 0, 0, now())
        on conflict (tenant_id, hour) do update
        set messages_in = h.messages_in + 1, last_webhook_at = excluded.last_webhook_at;

        v_touched := array_append(v_touched, r.tenant_id);
        outcome := 'stored';
        return next;
    end loop;
    perform pg_notify('portal_live', t) from (
        select string_agg(distinct u::text, ',') as t from unnest(v_touched) as u) as x where t is not null;
end
$$;
"""

RIGHTS = """
revoke all on all functions in schema front_door from public;
grant usage on schema front_door to portal_web, portal_app, portal_front_door;
grant execute on function front_door.resolve_account(text) to portal_web, portal_front_door;
grant execute on function front_door.store_messages(jsonb) to portal_web, portal_app;
grant create on schema front_door to portal_app, portal_front_door;
alter function front_door.resolve_account(text) owner to portal_front_door;
alter function front_door.store_messages(jsonb) owner to portal_app;
revoke create on schema front_door from portal_app, portal_front_door;
"""

# Every front-door process drops its cached tokens and states of an account the moment they change.
ACCOUNT_CHANGED = """
create function front_door.announce_account() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_notify('portal_accounts', new.tenant_id::text);
    return null;
end
$$;
create function front_door.announce_tenant() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_notify('portal_accounts', new.id::text);
    return null;
end
$$;
create trigger announce_account after insert or update on subaccount
for each row execute function front_door.announce_account();
create trigger announce_tenant after update on tenant
for each row execute function front_door.announce_tenant();
"""


def upgrade() -> None:
    for statement in (RESOLVE, STORE, RIGHTS, ACCOUNT_CHANGED):
        op.get_bind().connection.cursor().execute(statement)


def downgrade() -> None:
    op.execute("drop schema front_door cascade")
