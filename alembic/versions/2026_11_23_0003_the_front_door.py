"""The front door's SQL: whose is an AccountSid, and the one call that stores what Twilio sent.

`front_door.resolve_account(sid)` gives the tenant, its state and its sealed tokens for exactly one known SID.

`front_door.store_events(rows)` takes a JSON array of verified requests, any number of tenants mixed, and stores them in
the caller's one transaction, in the order (tenant, thread, n), which is also the one lock order. For each row it sets
the tenant, so that row-level security judges every statement that follows, and then, for a `message` (or a call):

1. finds the channel by kind and number inside the tenant; without one nothing is stored (`unknown-number`);
2. takes a text (or caller's name) that carries the channel's own test word for the end of its test (`test`);
3. finds or makes the lead and its conversation;
4. inserts the message, and stops where it is already there (`duplicate`; copies that arrive at once wait on that key);
5. moves the conversation's counters and preview, inserts media, wakes their job.

A `status`, `recording`, `transcription` or `call-end` goes to the function of its name. What all of a tenant's rows
share (counters of the hour, the channel's last webhook) is written once, when the next tenant's rows begin.
At the end one NOTIFY names the tenants of the batch: NOTIFY holds a global lock until commit, so one is all we spend.
Result: for each n the outcome, the message's id and, for a call, the channel's config.

`front_door.hold_request(…)` puts one sealed request into quarantine, within bounds; `front_door.count_refusals(rows)`
adds up what was refused. Processes may execute these functions and nothing else.

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
returns table (tenant_id uuid, state text, token_sealed bytea, previous_sealed bytea, previous_until timestamptz)
language sql stable security definer rows 1 set search_path = pg_catalog, pg_temp as $$
    select s.tenant_id, t.state, s.auth_token_sealed, s.previous_auth_token_sealed, s.previous_token_until
    from public.subaccount s join public.tenant t on t.id = s.tenant_id
    where s.account_sid = p_sid and t.state <> 'closed'
$$;
"""

# A status only ever moves to a higher rank, so that every order of callbacks ends alike. `queued`, `sending` and
# `unknown` are the outbox's own words; Twilio's words before `sent` all mean that Twilio has it: `accepted`.
STATUS = """
create function front_door.status_rank(p_status text) returns int language sql immutable as $$
    select coalesce(array_position(array['queued', 'sending', 'unknown', 'accepted', 'sent', 'delivered', 'read',
                                         'canceled', 'undelivered', 'failed'], p_status), 0)
$$;
create function front_door.store_status(p_tenant uuid, p jsonb) returns text language plpgsql as $$
declare
    m record;
    v_status text := p->>'status';
    v_code int := (p->>'error_code')::int;
    v_fails boolean := v_status in ('failed', 'undelivered');
    v_rises boolean;
begin
    select x.conversation_id, x.status, x.error_code, x.provider_sid into m from public.message x
    where x.tenant_id = p_tenant and x.id = (p->>'message_id')::uuid and x.direction = 'out'
      and coalesce(x.provider_sid, p->>'sid') = p->>'sid'
    for update;
    if not found then
        return 'unknown-message';
    end if;
    -- `failed` without a SID is the outbox's own verdict on a send that nobody confirmed: Twilio knows better.
    v_rises := front_door.status_rank(v_status) > front_door.status_rank(m.status)
        or (m.status = 'failed' and m.provider_sid is null and front_door.status_rank(v_status) > 0);
    if v_rises or (v_status = m.status and m.error_code is null and v_code is not null) then
        update public.message x
        set status = v_status, status_at = now(), error_code = v_code, error_text = p->>'error_text',
            provider_sid = p->>'sid', details = x.details || (p->'details')
        where x.tenant_id = p_tenant and x.id = (p->>'message_id')::uuid;
    else
        update public.message x
        set provider_sid = p->>'sid', details = (p->'details') || x.details
        where x.tenant_id = p_tenant and x.id = (p->>'message_id')::uuid
          and (x.provider_sid is null or not x.details ?& array(select jsonb_object_keys(p->'details')));
        return 'unchanged';
    end if;
    if v_code = 21610 then  -- the recipient has unsubscribed at Twilio
        update public.lead l set opted_out_at = coalesce(l.opted_out_at, now())
        from public.conversation c
        where c.tenant_id = p_tenant and c.id = m.conversation_id and l.tenant_id = p_tenant and l.id = c.lead_id;
    end if;
    if v_fails and m.status not in ('failed', 'undelivered') then
        insert into public.tenant_hour as h (tenant_id, hour, messages_in, messages_out, failures, last_webhook_at)
        values (p_tenant, date_trunc('hour', now(), 'UTC'), 0, 0, 1, now())
        on conflict (tenant_id, hour) do update set failures = h.failures + 1, last_webhook_at = now();
    end if;
    return 'stored';
end
$$;
"""

# Callbacks of one recording come in any order, twice or never. Each takes the call's row lock first, then writes what it
# alone knows; recording and transcript states only rise. `hint` is the action request: true, but before the file exists.
VOICEMAIL = """
create function front_door.recording_rank(p_state text) returns int language sql immutable as $$
    select array_position(array['expected', 'absent', 'failed', 'completed'], p_state)
$$;
create function front_door.transcript_rank(p_state text) returns int language sql immutable as $$
    select array_position(array['none', 'expected', 'failed', 'completed'], p_state)
$$;
create function front_door.lock_call(p_tenant uuid, p_call_sid text)
returns table (id uuid, conversation_id uuid, our_number text, created_at timestamptz) language sql as $$
    select m.id, m.conversation_id, m.our_number, m.created_at from public.message m
    where m.tenant_id = p_tenant and m.provider_sid = p_call_sid and m.channel_kind = 'voicemail' and m.direction = 'in'
    for update
$$;
create function front_door.store_recording(p_tenant uuid, p jsonb) returns text language plpgsql as $$
declare
    v_call record;
    v_media uuid;
    v_state text := p->>'state';
    v_known text;
    v_delay interval := case when (p->>'hint')::boolean then interval '2 minutes' else interval '0' end;
begin
    select * into v_call from front_door.lock_call(p_tenant, p->>'call_sid');
    if not found then
        return 'unknown-call';
    end if;
    select v.recording_state into v_known from public.voicemail v
    where v.tenant_id = p_tenant and v.recording_sid = p->>'recording_sid';
    if p->>'url' <> '' and v_state in ('expected', 'completed') and coalesce(v_known, 'expected') <> 'absent'
       or p->>'url' <> '' and v_state = 'completed' then
        insert into public.media as f (tenant_id, id, message_id, position, source_url, declared_type, content_type, state,
                                       attempts, next_attempt_at, created_at)
        values (p_tenant, (p->>'media_id')::uuid, v_call.id,
                (select count(*) from public.media o where o.tenant_id = p_tenant and o.message_id = v_call.id),
                p->>'url', 'audio/mpeg', '', 'waiting', 0, now() + v_delay, now())
        on conflict (tenant_id, message_id, source_url) do update
        set next_attempt_at = least(f.next_attempt_at, excluded.next_attempt_at)
        returning f.id into v_media;
        perform jobs.wake('inbox.fetch_media', p_tenant, v_delay);
    end if;
    insert into public.voicemail as v (tenant_id, id, message_id, recording_sid, recording_state, duration_seconds,
                                       media_id, transcript_state, transcript, created_at)
    values (p_tenant, (p->>'voicemail_id')::uuid, v_call.id, p->>'recording_sid', v_state, (p->>'duration')::int, v_media,
            case when v_state = 'completed' and exists (
                select from public.channel c where c.tenant_id = p_tenant and c.kind = 'voicemail'
                and c.phone_number = v_call.our_number and c.config->>'transcribe' = 'true')
            then 'expected' else 'none' end, null, now())
    on conflict (tenant_id, recording_sid) do update
    set recording_state = case when front_door.recording_rank(v_state) > front_door.recording_rank(v.recording_state)
                               then v_state else v.recording_state end,
        duration_seconds = case when v_state = 'completed' then coalesce(excluded.duration_seconds, v.duration_seconds)
                                else coalesce(v.duration_seconds, excluded.duration_seconds) end,
        media_id = coalesce(v.media_id, excluded.media_id),
        transcript_state = case
            when front_door.transcript_rank(excluded.transcript_state) > front_door.transcript_rank(v.transcript_state)
            then excluded.transcript_state else v.transcript_state end
    where v.message_id = excluded.message_id
    returning v.media_id, v.recording_state into v_media, v_known;
    if not found then
        return 'unknown-call';
    end if;
    if v_known = 'absent' and v_media is not null then
        update public.voicemail v set media_id = null
        where v.tenant_id = p_tenant and v.recording_sid = p->>'recording_sid';
        delete from public.media f where f.tenant_id = p_tenant and f.id = v_media and f.state = 'waiting';
    end if;
    update public.message m set media_count = (
        select count(*) from public.media f where f.tenant_id = p_tenant and f.message_id = v_call.id)
    where m.tenant_id = p_tenant and m.id = v_call.id;
    update public.conversation c set preview = 'Voicemail'
    where c.tenant_id = p_tenant and c.id = v_call.conversation_id and c.last_message_at = v_call.created_at
      and c.preview = 'Call' and v_known = 'completed';
    return 'stored';
end
$$;
create function front_door.store_transcription(p_tenant uuid, p jsonb) returns text language plpgsql as $$
declare
    v_call record;
begin
    select * into v_call from front_door.lock_call(p_tenant, p->>'call_sid');
    if not found then
        return 'unknown-call';
    end if;
    insert into public.voicemail as v (tenant_id, id, message_id, recording_sid, recording_state, transcript_state,
                                       transcript, created_at)
    values (p_tenant, (p->>'voicemail_id')::uuid, v_call.id, p->>'recording_sid', 'expected', p->>'state', p->>'text', now())
    on conflict (tenant_id, recording_sid) do update
    set transcript_state = excluded.transcript_state, transcript = excluded.transcript
    where v.message_id = excluded.message_id
      and front_door.transcript_rank(excluded.transcript_state) > front_door.transcript_rank(v.transcript_state);
    if not found then
        return case when exists (
            select from public.voicemail v where v.tenant_id = p_tenant and v.recording_sid = p->>'recording_sid'
            and v.message_id = v_call.id) then 'unchanged' else 'unknown-call' end;
    end if;
    update public.conversation c set preview = left(p->>'text', 200)
    where c.tenant_id = p_tenant and c.id = v_call.conversation_id and c.last_message_at = v_call.created_at
      and p->>'text' <> '';
    return 'stored';
end
$$;
create function front_door.store_call_end(p_tenant uuid, p jsonb) returns text language plpgsql as $$
declare
    v_call record;
begin
    select * into v_call from front_door.lock_call(p_tenant, p->>'call_sid');
    if not found then
        return 'unknown-call';
    end if;
    update public.message m set details = m.details || (p->'details')
    where m.tenant_id = p_tenant and m.id = v_call.id
      and coalesce((m.details->>'call_sequence')::int, -1) <= (p->'details'->>'call_sequence')::int;
    return case when found then 'stored' else 'unchanged' end;
end
$$;
"""

STORE = """
-- PostgreSQL has a function for it from version 18 on: the milliseconds over a random id, and the version's four bits.
create function front_door.uuid7() returns uuid language sql volatile as $$
    select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
        substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1),
        'hex')::uuid
$$;
create function front_door.end_of_tenant(p_tenant uuid, p_stored int, p_channels uuid[]) returns void
language plpgsql as $$
begin
    if p_stored > 0 then
        insert into public.tenant_hour as h (tenant_id, hour, messages_in, messages_out, failures, last_webhook_at)
        values (p_tenant, date_trunc('hour', now(), 'UTC'), p_stored, 0, 0, now())
        on conflict (tenant_id, hour) do update
        set messages_in = h.messages_in + p_stored, last_webhook_at = excluded.last_webhook_at;
    end if;
    -- Once a second is enough for a page, and saves a row version for every message.
    update public.channel c set last_webhook_at = now()
    where c.tenant_id = p_tenant and c.id = any (p_channels)
      and (c.last_webhook_at is null or c.last_webhook_at < now() - interval '1 second');
end
$$;
create function front_door.store_events(p_rows jsonb)
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
    v_stored int := 0;
    v_channels uuid[] := '{}';
    v_touched uuid[] := '{}';
begin
    for r in
        select * from jsonb_to_recordset(p_rows) as x(
            n int, event text, tenant_id uuid, thread text, data jsonb, message_id uuid, kind text, provider_sid text, channel_number text, our_number text, lead_number text,
            body text, preview text, profile_name text, place text, opt_out text, details jsonb, media jsonb,
            received_at timestamptz)
        order by x.tenant_id, x.thread, x.n
    loop
        if r.tenant_id is distinct from v_tenant then
            if v_tenant is not null then
                perform front_door.end_of_tenant(v_tenant, v_stored, v_channels);
            end if;
            v_tenant := r.tenant_id;
            v_stored := 0;
            v_channels := '{}';
            perform set_config('app.tenant_id', v_tenant::text, true);
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
        select l.id, l.profile_name, l.place, l.opted_out_at into v_lead from lead l
        where l.tenant_id = v_tenant and l.address = r.thread;
        if not found then
            insert into lead as l (tenant_id, id, address, name, profile_name, place, stage, source, opted_out_at, created_at)
            values (v_tenant, front_door.uuid7(), r.thread, '', r.profile_name, r.place, 'new', r.kind,
                    case when r.opt_out = 'stop' then v_at end, v_at)
            on conflict (tenant_id, address) do update set address = l.address
            returning l.id, l.profile_name, l.place, l.opted_out_at into v_lead;
        end if;
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

        select c.id into v_conversation from conversation c where c.tenant_id = v_tenant and c.lead_id = v_lead.id;
        if not found then
            insert into conversation as c (tenant_id, id, lead_id, unread_count, message_count, preview, last_channel,
                                           last_direction, last_message_at, created_at)
            values (v_tenant, front_door.uuid7(), v_lead.id, 0, 0, '', r.kind, 'in', v_at, v_at)
            on conflict (tenant_id, lead_id) do update set lead_id = c.lead_id
            returning c.id into v_conversation;
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

        -- A message from the spool may be older than the newest one: it is counted, and takes its place by its id.
        update conversation c set
            unread_count = c.unread_count + 1,
            message_count = c.message_count + 1,
            preview = case when v_at >= c.last_message_at then r.preview else c.preview end,
            last_channel = case when v_at >= c.last_message_at then r.kind else c.last_channel end,
            last_direction = case when v_at >= c.last_message_at then 'in' else c.last_direction end,
            last_message_at = greatest(c.last_message_at, v_at)
        where c.tenant_id = v_tenant and c.id = v_conversation;

        if jsonb_array_length(r.media) > 0 then
            insert into media (tenant_id, id, message_id, position, source_url, declared_type, content_type, state,
                               attempts, next_attempt_at, created_at)
            select v_tenant, x.id, r.message_id, x.position, x.url, x.type, '', 'waiting', 0, now(), now()
            from jsonb_to_recordset(r.media) as x(id uuid, position int, url text, type text)
            on conflict do nothing;
            perform jobs.wake('inbox.fetch_media', v_tenant, interval '0');
        end if;

        v_stored := v_stored + 1;
        v_channels := case when v_channel.id = any (v_channels) then v_channels else v_channels || v_channel.id end;
        v_touched := case when v_tenant = any (v_touched) then v_touched else v_touched || v_tenant end;
        outcome := 'stored';
        return next;
    end loop;
    if v_tenant is not null then
        perform front_door.end_of_tenant(v_tenant, v_stored, v_channels);
    end if;
    -- 200 ids of 37 characters stay below the 8000 that a payload may have.
    perform pg_notify('portal_live', string_agg(t::text, ','))
    from (select t, row_number() over () / 200 as part from (select distinct unnest(v_touched) as t) as u) as v group by part;
end
$$;
"""

# Within bounds, so that nobody fills the disk: unsigned requests by source and in all, signed ones by subaccount.
# `held` and `known` are durable answers, `full` is not.
HOLD = """
create function front_door.hold_request(
    p_id uuid, p_reason text, p_kind text, p_account_sid text, p_is_signed boolean, p_path text, p_sealed bytea,
    p_size int, p_fingerprint bytea, p_source text, p_names text)
returns text language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    v_of_source int;
    v_of_all int;
begin
    if exists (select from quarantined_request q where q.fingerprint = p_fingerprint) then
        return 'known';
    end if;
    select count(*) filter (where case when p_is_signed then q.account_sid = p_account_sid else q.source = p_source end),
           count(*)
    into v_of_source, v_of_all
    from quarantined_request q where q.state = 'held' and q.is_signed = p_is_signed;
    if v_of_source >= (case when p_is_signed then 5000 else 50 end) or (not p_is_signed and v_of_all >= 1000) then
        return 'full';
    end if;
    insert into quarantined_request (id, received_at, reason, kind, account_sid, is_signed, path, request_sealed,
                                     size_bytes, fingerprint, source, parameter_names, state)
    values (p_id, now(), p_reason, p_kind, p_account_sid, p_is_signed, p_path, p_sealed, p_size, p_fingerprint, p_source,
            p_names, 'held')
    on conflict (fingerprint) do nothing;
    return 'held';
end
$$;
create function front_door.count_refusals(p_rows jsonb) returns void
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
    insert into webhook_refusal as w (hour, account_sid, reason, kind, count, parameter_names, last_at)
    select date_trunc('hour', x.at, 'UTC'), x.account_sid, x.reason, x.kind, sum(x.count), max(x.names), max(x.at)
    from jsonb_to_recordset(p_rows) as x(at timestamptz, account_sid text, reason text, kind text, count int, names text)
    group by 1, 2, 3, 4 order by 1, 2, 3, 4
    on conflict (hour, account_sid, reason, kind) do update
    set count = w.count + excluded.count, parameter_names = excluded.parameter_names,
        last_at = greatest(w.last_at, excluded.last_at)
$$;
"""

RIGHTS = """
revoke all on all functions in schema front_door from public;
grant usage on schema front_door to portal_web, portal_app, portal_front_door;
grant create on schema front_door to portal_app, portal_front_door;
do $$
declare
    f text;
begin
    foreach f in array array[
        'status_rank(text)', 'store_status(uuid, jsonb)', 'recording_rank(text)', 'transcript_rank(text)',
        'lock_call(uuid, text)', 'uuid7()', 'store_recording(uuid, jsonb)', 'store_transcription(uuid, jsonb)',
        'store_call_end(uuid, jsonb)', 'end_of_tenant(uuid, int, uuid[])', 'store_events(jsonb)']
    loop
        execute format('alter function front_door.%s owner to portal_app', f);
    end loop;
    foreach f in array array[
        'resolve_account(text)', 'count_refusals(jsonb)',
        'hold_request(uuid, text, text, text, boolean, text, bytea, int, bytea, text, text)']
    loop
        execute format('alter function front_door.%s owner to portal_front_door', f);
        execute format('grant execute on function front_door.%s to portal_web', f);
    end loop;
end
$$;
grant execute on function front_door.store_events(jsonb) to portal_web, portal_front_door;
revoke create on schema front_door from portal_app, portal_front_door;
"""

# Every front-door process drops its cached tokens and states of an account the moment they change.
ACCOUNT_CHANGED = """
create function front_door.announce_account() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $$
declare
    v_row jsonb := to_jsonb(coalesce(new, old));
begin
    perform pg_notify('portal_accounts', coalesce(v_row->>'tenant_id', v_row->>'id'));
    return null;
end
$$;
create trigger announce_account after insert or update or delete on subaccount
for each row execute function front_door.announce_account();
create trigger announce_tenant after update or delete on tenant
for each row execute function front_door.announce_account();
"""


def upgrade() -> None:
    for statement in (RESOLVE, STATUS, VOICEMAIL, STORE, HOLD, RIGHTS, ACCOUNT_CHANGED):
        op.get_bind().connection.cursor().execute(statement)


def downgrade() -> None:
    op.execute("drop schema front_door cascade")
