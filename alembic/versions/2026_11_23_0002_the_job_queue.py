"""The tables of procrastinate in a schema of their own, and the functions by which a tenant's work is woken.

`jobs.wake(task, tenant, delay)` has one job wait for a tenant's task. `jobs.sweep()` wakes every tenant whose rows are due
without a job (a worker was killed, a job gave up) and says how many it found.

Must not break the version of the code before it: add first, remove one release later.
"""

from procrastinate.schema import SchemaManager

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

RIGHTS = """
grant usage on schema jobs to portal_jobs, portal_app, portal_staff, portal_front_door;
grant select, insert, update, delete on all tables in schema jobs to portal_jobs;
grant usage on all sequences in schema jobs to portal_jobs;
"""

# DO UPDATE and not DO NOTHING: it locks the waiting job, so that no worker takes it before this transaction's rows are
# visible (with DO NOTHING a wake-up was lost). The earlier of two times wins, null
# (now) above all: the worker cannot read `-infinity` and would die of it. `lock` keeps one drain per tenant at a time.
WAKE = """
create function jobs.wake(p_task text, p_tenant uuid, p_delay interval) returns void
language sql security definer set search_path = jobs, pg_temp as $$
    insert into procrastinate_jobs (queue_name, task_name, args, lock, queueing_lock, scheduled_at)
    values ('portal', p_task, jsonb_build_object('tenant_id', p_tenant), p_task || ':' || p_tenant,
            p_task || ':' || p_tenant, case when p_delay > interval '0' then now() + p_delay end)
    on conflict (queueing_lock) where status = 'todo' do update
    set scheduled_at = nullif(least(coalesce(procrastinate_jobs.scheduled_at, '-infinity'),
                                    coalesce(excluded.scheduled_at, '-infinity')), '-infinity')
$$;
revoke all on function jobs.wake(text, uuid, interval) from public;
grant execute on function jobs.wake(text, uuid, interval) to portal_app, portal_staff, portal_front_door;
"""

SWEEP = """
create function jobs.sweep() returns bigint
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
    ) as due
    where not exists (select from procrastinate_jobs j where j.queueing_lock = task || ':' || tenant_id
                      and j.status in ('todo', 'doing'))) as woken
$$;
revoke all on function jobs.sweep() from public;
grant execute on function jobs.sweep() to portal_jobs;
"""

OWNERS = """
grant create on schema jobs to portal_jobs;
alter function jobs.wake(text, uuid, interval) owner to portal_jobs;
alter function jobs.sweep() owner to portal_jobs;
revoke create on schema jobs from portal_jobs;
"""


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute("create schema jobs")
    cursor.execute("set local search_path = jobs")
    # Without parameters: the library's SQL holds percent signs.
    cursor.execute(SchemaManager.get_schema())
    cursor.execute("set local search_path = public")
    for statement in (RIGHTS, WAKE, SWEEP, OWNERS):
        cursor.execute(statement)


def downgrade() -> None:
    op.execute("drop schema jobs cascade")
