"""The tables of procrastinate in a schema of their own, and the one function by which a tenant's work is woken.

Must not break the version of the code before it: add first, remove one release later.
"""

from alembic import op
from procrastinate.schema import SchemaManager

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
# visible (with DO NOTHING a wake-up was lost). The earlier of two times wins. `lock` keeps one drain per tenant at a time.
WAKE = """
create function jobs.wake(p_task text, p_tenant uuid, p_delay interval) returns void
language sql security definer set search_path = jobs, pg_temp as $$
    insert into procrastinate_jobs (queue_name, task_name, args, lock, queueing_lock, scheduled_at)
    values ('portal', p_task, jsonb_build_object('tenant_id', p_tenant), p_task || ':' || p_tenant,
            p_task || ':' || p_tenant, case when p_delay > interval '0' then now() + p_delay end)
    on conflict (queueing_lock) where status = 'todo' do update
    set scheduled_at = least(coalesce(procrastinate_jobs.scheduled_at, '-infinity'),
                             coalesce(excluded.scheduled_at, '-infinity'))
$$;
revoke all on function jobs.wake(text, uuid, interval) from public;
grant execute on function jobs.wake(text, uuid, interval) to portal_app, portal_staff, portal_front_door;
grant create on schema jobs to portal_jobs;
alter function jobs.wake(text, uuid, interval) owner to portal_jobs;
revoke create on schema jobs from portal_jobs;
"""


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute("create schema jobs")
    cursor.execute("set local search_path = jobs")
    # Without parameters: the library's SQL holds percent signs.
    cursor.execute(SchemaManager.get_schema())
    cursor.execute("set local search_path = public")
    cursor.execute(RIGHTS)
    cursor.execute(WAKE)


def downgrade() -> None:
    op.execute("drop schema jobs cascade")
