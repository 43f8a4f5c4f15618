"""Fills a database by set-based SQL: people of each client, and stored messages of unequal clients.

Clients have Zipf's sizes: the n-th has 1/n of the messages of the first, above a first page that each of them has. One
message in twenty is in the client's first thread, the others are spread over its threads, about twenty to each; a third
are answers. They are half a year old at most, and lie in the table in the order of their time. What is kept beside the
messages (counters, previews, hours) is right.
"""

from dataclasses import dataclass

import psycopg
from psycopg.rows import scalar_row

from benchmarks.load import FIRST_LEAD, LEAD_NUMBER, SENT_FROM
from tenant_portal.front_door.addresses import place

PORTION = 250_000
# References are true by construction: checking each row's would take most of the time.
SETTINGS = """
set session_replication_role = replica;
set synchronous_commit = off;
set work_mem = '256MB';
"""
SHARES = """
create temp table share as
select tenant_id, phone_number, messages, greatest(%(leads)s, messages / 20)::int as leads
from (
    select tenant_id, phone_number,
           (%(floor)s + (%(messages)s - %(floor)s * count(*) over ()) / (rank * sum(1.0 / rank) over ()))::int
               as messages
    from (select tenant_id, phone_number, row_number() over (order by phone_number) as rank from channel) as ranked
) as sized
"""
THREADS = """
create temp table thread as
select s.tenant_id, n, format(%(number)s, lpad((%(first)s + n)::text, 7, '0')) as address,
       uuidv7(age) as lead_id, uuidv7(age) as id
from share s, generate_series(0, s.leads - 1) as n,
     lateral (select n * interval '1 second' - interval '181 days' as age) as a
"""
LEADS = """
insert into lead (tenant_id, id, address, name, profile_name, place, stage, stage_id, source, created_at)
select t.tenant_id, t.lead_id, t.address, '', '', %(place)s, 'new', s.id, 'sms', uuid_extract_timestamp(t.lead_id)
from thread t join lateral (
    select id from lead_stage s where s.tenant_id = t.tenant_id order by s.position limit 1) as s on true
"""
MESSAGES = """
insert into message (tenant_id, id, conversation_id, channel_kind, direction, status, body, provider_sid, our_number,
                     lead_number, media_count, details, author_name, created_at, status_at)
select m.tenant_id, m.id, t.id, 'sms', case when k %% 3 = 0 then 'out' else 'in' end,
       case when k %% 3 = 0 then 'delivered' else 'received' end,
       left(repeat('Hello, is the flat still free tomorrow? ', 5), (20 + k %% 160)::int),
       'SM' || md5(m.tenant_id::text || k), m.phone_number, t.address, 0, '{}', '',
       uuid_extract_timestamp(m.id), uuid_extract_timestamp(m.id)
from (
    select s.*, k, uuidv7(interval '180 days' * ((k + 0.5) / s.messages - 1)) as id,
           case when k < %(floor)s or k %% 20 = 0 then 0 else (k + k / 20) %% s.leads end as lead
    from share s, generate_series(s.messages::bigint * %(portion)s / %(portions)s,
                                  s.messages::bigint * (%(portion)s + 1) / %(portions)s - 1) as k
) as m join thread t on t.tenant_id = m.tenant_id and t.n = m.lead
order by m.id
"""
CONVERSATIONS = """
insert into conversation (tenant_id, id, lead_id, unread_count, message_count, preview, last_channel, last_direction,
                          last_message_at, created_at)
select t.tenant_id, t.id, t.lead_id, 0, coalesce(c.messages, 0), coalesce(m.body, ''), 'sms',
       coalesce(m.direction, 'in'), coalesce(m.created_at, uuid_extract_timestamp(t.id)), uuid_extract_timestamp(t.id)
from thread t
left join (select conversation_id, count(*) as messages from message group by 1) as c on c.conversation_id = t.id
left join lateral (
    select body, direction, created_at from message m
    where m.tenant_id = t.tenant_id and m.conversation_id = t.id order by m.id desc limit 1
) as m on true
"""
HOURS = """
insert into tenant_hour (tenant_id, hour, messages_in, messages_out, failures, last_webhook_at)
select tenant_id, date_trunc('hour', created_at, 'UTC'), count(*) filter (where direction = 'in'),
       count(*) filter (where direction = 'out'), 0, max(created_at)
from message group by 1, 2 order by 2, 1
"""


@dataclass(frozen=True, slots=True)
class Size:
    """What a database holds: `leads` people of each client at least, and so many messages in all."""

    tenants: int
    messages: int
    leads: int
    floor: int = 0
    """Messages that the first thread of each client has at least."""


def populate(admin_url: str, size: Size) -> int:
    """Add people and messages to the clients that are there; how many messages. Takes 20 to 30 s for a million."""
    values: dict[str, int | str] = {"leads": size.leads, "messages": size.messages, "floor": size.floor}
    values |= {"number": LEAD_NUMBER.replace("{:07d}", "%s"), "first": FIRST_LEAD}
    values |= {"place": place(lambda name: SENT_FROM.get(name, ""))}
    portions = values["portions"] = size.messages // PORTION + 1
    with psycopg.connect(admin_url, autocommit=True, row_factory=scalar_row) as connection:
        connection.execute(SETTINGS)
        for statement in (SHARES, THREADS, "analyze share, thread", LEADS):
            connection.execute(statement, values)
        for portion in range(portions):
            connection.execute(MESSAGES, values | {"portion": portion})
        connection.execute("analyze message")
        for statement in (CONVERSATIONS, HOURS, "vacuum (analyze)", "checkpoint"):
            connection.execute(statement)
        return int(connection.execute("select count(*) from message").fetchone() or 0)
