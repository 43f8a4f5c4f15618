"""Limits that hold over all processes: what waits until when, and work that was given up.

`throttle` says for each tenant what may not happen before when. `jobs.wake` keeps to it: a job that is woken too early
is put off, whoever woke it. `front_door.note_pressure(rows)` is how a web process says that a tenant's webhooks are
beyond a line. `jobs.given_up()` lists, for staff, the jobs that failed for good, and `jobs.run_again(task, tenant)`
takes them off that list; the caller then wakes the task. A job that ends tells the workers of the one that waited for it.

Must not break the version of the code before it: add first, remove one release later.
"""

import sqlalchemy as sa

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# As in 0002: DO UPDATE locks the waiting job, and the worker cannot read `-infinity`, so that now is null. A row that its
# WHERE leaves alone is locked as well; without it, thousands of messages left as many dead versions of one job behind.
WAKE_AND_KEEP_TO_THE_THROTTLE = """
create function jobs.due(p_task text, p_tenant uuid, p_one timestamptz, p_other timestamptz) returns timestamptz
language sql stable as $$
    select nullif(greatest(least(coalesce(p_one, '-infinity'), coalesce(p_other, '-infinity')), (
        select h.until from public.throttle h
        where h.tenant_id = p_tenant and h.subject = 'task:' || p_task and h.until > now())), '-infinity')
$$;
create or replace function jobs.wake(p_task text, p_tenant uuid, p_delay interval) returns void
language sql security definer set search_path = jobs, pg_temp as $$
    insert into procrastinate_jobs (queue_name, task_name, args, lock, queueing_lock, scheduled_at)
    select 'portal', p_task, jsonb_build_object('tenant_id', p_tenant), p_task || ':' || p_tenant,
           p_task || ':' || p_tenant, greatest(case when p_delay > interval '0' then now() + p_delay end, (
               select h.until from public.throttle h
               where h.tenant_id = p_tenant and h.subject = 'task:' || p_task and h.until > now()))
    on conflict (queueing_lock) where status = 'todo' do update
    set scheduled_at = jobs.due(p_task, p_tenant, procrastinate_jobs.scheduled_at, excluded.scheduled_at)
    where procrastinate_jobs.scheduled_at
        is distinct from jobs.due(p_task, p_tenant, procrastinate_jobs.scheduled_at, excluded.scheduled_at)
$$;
"""

WAKE = """
create or replace function jobs.wake(p_task text, p_tenant uuid, p_delay interval) returns void
language sql security definer set search_path = jobs, pg_temp as $$
    insert into procrastinate_jobs (queue_name, task_name, args, lock, queueing_lock, scheduled_at)
    values ('portal', p_task, jsonb_build_object('tenant_id', p_tenant), p_task || ':' || p_tenant,
            p_task || ':' || p_tenant, case when p_delay > interval '0' then now() + p_delay end)
    on conflict (queueing_lock) where status = 'todo' do update
    set scheduled_at = nullif(least(coalesce(procrastinate_jobs.scheduled_at, '-infinity'),
                                    coalesce(excluded.scheduled_at, '-infinity')), '-infinity')
$$;
"""

# A tenant that was erased meanwhile must not cost the others their note, hence the join.
NOTE_PRESSURE = """
create function front_door.note_pressure(p_rows jsonb) returns void
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
    insert into throttle as h (tenant_id, subject, until, reason)
    select t.id, 'webhooks:' || x.line, now() + x.seconds * interval '1 second', 'rate'
    from jsonb_to_recordset(p_rows) as x(tenant_id uuid, line text, seconds float8)
    join tenant t on t.id = x.tenant_id order by 1, 2
    on conflict (tenant_id, subject) do update set until = greatest(h.until, excluded.until)
$$;
revoke all on function front_door.note_pressure(jsonb) from public;
grant create on schema front_door to portal_front_door;
alter function front_door.note_pressure(jsonb) owner to portal_front_door;
grant execute on function front_door.note_pressure(jsonb) to portal_web, portal_front_door;
revoke create on schema front_door from portal_front_door;
"""

# Jobs of no tenant are the queue's own: the next tick does their work.
GIVEN_UP = """
create function jobs.given_up() returns table (tenant_id uuid, task text, times bigint, last_at timestamptz)
language sql stable security definer set search_path = jobs, pg_temp as $$
    select (j.args->>'tenant_id')::uuid, j.task_name::text, count(distinct j.id), max(e.at)
    from procrastinate_jobs j left join procrastinate_events e on e.job_id = j.id and e.type = 'failed'
    where j.status = 'failed' and j.args ? 'tenant_id' group by 1, 2
$$;
create function jobs.run_again(p_task text, p_tenant uuid) returns bigint
language sql security definer set search_path = jobs, pg_temp as $$
    with held as (
        delete from public.throttle h
        where h.tenant_id = p_tenant and h.subject = 'task:' || p_task and h.reason = 'given-up'),
    failed as (
        delete from procrastinate_jobs j
        where j.status = 'failed' and j.task_name = p_task and j.args->>'tenant_id' = p_tenant::text returning 1)
    select count(*) from failed
$$;
revoke all on function jobs.given_up(), jobs.run_again(text, uuid) from public;
grant execute on function jobs.given_up() to portal_staff, portal_jobs;
grant execute on function jobs.run_again(text, uuid) to portal_staff;
grant create on schema jobs to portal_jobs;
alter function jobs.given_up() owner to portal_jobs;
alter function jobs.run_again(text, uuid) owner to portal_jobs;
revoke create on schema jobs from portal_jobs;
"""

# The worker looks for jobs when one is inserted: one that waited for this job's lock would lie there until it polls again,
# and a tenant's slices, each of which wakes the next one while it runs, would be half a second apart.
FREE_LOCK = """
create function jobs.tell_of_free_lock() returns trigger language plpgsql set search_path = jobs, pg_temp as $$
begin
    if exists (select from procrastinate_jobs j where j.queueing_lock = old.lock and j.status = 'todo'
               and (j.scheduled_at is null or j.scheduled_at <= now())) then
        perform pg_notify('procrastinate_any_queue_v1', json_build_object('type', 'job_inserted', 'job_id', old.id)::text);
    end if;
    return null;
end
$$;
create trigger tell_of_free_lock after delete on jobs.procrastinate_jobs for each row
when (old.status = 'doing' and old.lock is not null) execute function jobs.tell_of_free_lock();
"""


def upgrade() -> None:
    op.create_table(
        "throttle",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "rate",
                "twilio",
                "busy",
                "given-up",
                name="reason",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_throttle_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "subject", name=op.f("pk_throttle")),
    )
    # Written once for each message that is sent: room for new row versions on the same page saves the index's.
    op.execute("alter table throttle set (fillfactor = 50)")
    for statement in (WAKE_AND_KEEP_TO_THE_THROTTLE, NOTE_PRESSURE, GIVEN_UP, FREE_LOCK):
        op.get_bind().connection.cursor().execute(statement)


def downgrade() -> None:
    op.get_bind().connection.cursor().execute(WAKE)
    op.execute("drop trigger tell_of_free_lock on jobs.procrastinate_jobs")
    op.execute("drop function jobs.tell_of_free_lock()")
    op.execute("drop function jobs.given_up(), jobs.run_again(text, uuid), front_door.note_pressure(jsonb)")
    op.execute("drop function jobs.due(text, uuid, timestamptz, timestamptz)")
    op.drop_table("throttle")
