"""The wall between tenants as data: which role may touch which table, and through which policy.

Migrations create exactly this, the catalogue lint compares the running database with it. Facts behind the forms:
`(select current_setting(…))` is one InitPlan for a statement (102 ms instead of 504 ms for a million rows),
a missing setting must be an error and never "no rows", and policies name their roles, since a policy for PUBLIC is
OR-ed into every other one.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

OWNER = "portal_owner"
APP = "portal_app"
STAFF = "portal_staff"
FRONT_DOOR = "portal_front_door"
IDENTITY = "portal_identity"
JOBS = "portal_jobs"
LOGIN = "portal_web"
DOOR_ROLES = (APP, STAFF, FRONT_DOOR, IDENTITY, JOBS)
# Nobody signs in as it or takes it on: it owns the functions that store what is plain in a batch of webhooks.
INTAKE = "portal_intake"
# Nobody signs in as it either: it owns the function that looks words up, and reads nothing but which message has them.
SEARCH = "portal_search"
OWNERS_OF_FUNCTIONS = (INTAKE, SEARCH)

CURRENT_TENANT = "(select current_setting('app.tenant_id')::uuid)"
# Those of the batch at hand. Without the setting nothing is seen, and all goes through the loop, tenant by tenant.
OF_THE_BATCH = (
    "tenant_id = any ((select string_to_array(current_setting('app.tenant_ids', true), ',')::uuid[])::uuid[])"
)
READ_WRITE = "select, insert, update, delete"


@dataclass(frozen=True, slots=True)
class Access:
    """What one role may do with one table: `rights` as in GRANT, and the row condition of its policy."""

    role: str
    rights: tuple[str, ...]
    rows: str = "true"


@dataclass(frozen=True, slots=True)
class Wall:
    """One table: the column that holds the tenant (None where rows belong to nobody), and who may do what."""

    table: str
    tenant_column: str | None
    accesses: tuple[Access, ...] = field(default=())

    def policies(self) -> Iterator[tuple[str, str, str]]:
        """(policy name, role, row condition), one for each role."""
        if self.tenant_column is not None:
            yield "tenant_isolation", f"{APP}, {OWNER}", f"{self.tenant_column} = {CURRENT_TENANT}"
        for access in self.accesses:
            if access.role != APP:
                yield f"{access.role.removeprefix('portal_')}_access", access.role, access.rows

    def statements(self) -> Iterator[str]:
        """The SQL that builds this part of the wall."""
        yield f"alter table {self.table} enable row level security"
        yield f"alter table {self.table} force row level security"
        for name, roles, rows in self.policies():
            yield f"create policy {name} on {self.table} to {roles} using ({rows}) with check ({rows})"
        for access in self.accesses:
            for right in access.rights:
                yield f"grant {right} on {self.table} to {access.role}"


def _of_tenant(table: str, *others: Access, rights: tuple[str, ...] = (READ_WRITE,)) -> Wall:
    return Wall(table, "tenant_id", (Access(APP, rights), *others))


def _intake(*rights: str) -> Access:
    """What a webhook of a known person needs, and no more."""
    return Access(INTAKE, rights, OF_THE_BATCH)


def _sweeping(columns: str) -> Access:
    """The job queue may see which tenants have work waiting, and no more."""
    return Access(JOBS, (f"select (tenant_id, {columns})",))


TENANT_COLUMNS = "name, state, suspended_at, currency, two_factor_required, quiet_from, quiet_until, timezone"
STAFF_USER_COLUMNS = "id, tenant_id, email, name, role, created_at, disabled_at"
WALLS: tuple[Wall, ...] = (
    Wall(
        "tenant",
        "id",
        (
            Access(APP, ("select", f"update ({TENANT_COLUMNS})", "delete")),
            Access(STAFF, ("select", "insert", "update (name, state, suspended_at)")),
            Access(FRONT_DOOR, ("select (id, state)",)),
            Access(IDENTITY, ("select (id, name, state, two_factor_required)",)),
            Access(JOBS, ("select (id)",)),
        ),
    ),
    _of_tenant(
        "subaccount",
        Access(
            STAFF,
            (
                "select (tenant_id, account_sid, attempts, last_error, twilio_status, next_attempt_at, created_at,"
                " changed_at)",
                "insert (tenant_id, attempts, next_attempt_at, created_at, changed_at)",
                "update (attempts, next_attempt_at)",
            ),
        ),
        Access(
            FRONT_DOOR,
            ("select (tenant_id, account_sid, auth_token_sealed, previous_auth_token_sealed, previous_token_until)",),
        ),
        _sweeping("next_attempt_at"),
    ),
    Wall(
        "portal_user",
        "tenant_id",
        (
            Access(APP, (f"select ({STAFF_USER_COLUMNS})", "update (name, role, disabled_at)")),
            Access(STAFF, (f"select ({STAFF_USER_COLUMNS})",)),
            Access(IDENTITY, (READ_WRITE,)),
        ),
    ),
    Wall(
        "user_session",
        "tenant_id",
        (Access(APP, ("select (id, user_id, tenant_id)", "delete")), Access(IDENTITY, (READ_WRITE,))),
    ),
    Wall("sign_in_attempt", None, (Access(IDENTITY, (READ_WRITE,)),)),
    Wall(
        "second_factor",
        "tenant_id",
        (Access(APP, ("select (user_id, tenant_id, confirmed_at)", "delete")), Access(IDENTITY, (READ_WRITE,))),
    ),
    Wall("password_reset", "tenant_id", (Access(IDENTITY, (READ_WRITE,)),)),
    _of_tenant("invitation", Access(IDENTITY, ("select", "update (accepted_at)"))),
    # Its letters to staff have no tenant; those to a tenant's people are begun before it is known whose they are.
    _of_tenant("outgoing_email", Access(IDENTITY, (READ_WRITE,)), _sweeping("state, next_attempt_at, settled_at")),
    _of_tenant(
        "channel",
        Access(
            STAFF,
            (
                "select (tenant_id, id, kind, state, phone_number, country, sender_status, error_code, last_error,"
                " created_at, changed_at, last_webhook_at, next_attempt_at, disconnected_at)",
            ),
        ),
        _sweeping("next_attempt_at"),
        _intake(
            "select (tenant_id, id, kind, state, phone_number, config, test_token, last_webhook_at)",
            "update (last_webhook_at)",
        ),
    ),
    # Whoever makes a tenant makes its first stages with it.
    _of_tenant("lead_stage", Access(STAFF, ("insert",))),
    _of_tenant("lead", _intake("select (tenant_id, id, address, profile_name, place)")),
    # A history: what stands in it stays, until the lead itself is deleted.
    _of_tenant("consent", rights=("select", "insert")),
    _of_tenant("lead_note"),
    _of_tenant("label"),
    _of_tenant("lead_label"),
    _of_tenant("lead_field"),
    _of_tenant("lead_merge"),
    _of_tenant("moved_message"),
    _of_tenant("distinct_leads"),
    _of_tenant("lead_erasure"),
    _of_tenant("erasure_item"),
    _of_tenant("lead_import"),
    _of_tenant("lead_import_row"),
    _of_tenant(
        "conversation",
        _sweeping("state, snoozed_until"),
        _intake(
            "select (tenant_id, id, lead_id, unread_count, message_count, preview, last_channel, last_direction,"
            " last_message_at)",
            "update (unread_count, message_count, preview, last_channel, last_direction, last_message_at)",
        ),
    ),
    # The trigger that opens a thread says so there.
    _of_tenant("thread_event", _intake("insert")),
    _of_tenant("thread_reading"),
    _of_tenant("note_mention"),
    _of_tenant("canned_reply"),
    _of_tenant("planned_message", _sweeping("state, due_at")),
    _of_tenant("draft"),
    _of_tenant("notification_choice"),
    _of_tenant("message_search", Access(SEARCH, ("select",))),
    _of_tenant("search_segment", Access(SEARCH, ("select",)), Access(JOBS, ("select",))),
    _of_tenant(
        "message",
        _sweeping("id, direction, status, next_attempt_at, status_at"),
        _intake("insert", "select (tenant_id, id, provider_sid)"),
    ),
    _of_tenant("media", _sweeping("state, next_attempt_at")),
    _of_tenant("voicemail"),
    _of_tenant("message_template", _sweeping("next_attempt_at")),
    _of_tenant("text_back", _sweeping("state, due_at")),
    _of_tenant("tenant_hour", Access(STAFF, ("select",)), _intake("select, insert, update")),
    _of_tenant("tenant_traffic", Access(STAFF, ("select, insert, update",)), rights=("select",)),
    _of_tenant(
        "throttle",
        Access(STAFF, ("select",)),
        Access(FRONT_DOOR, ("select", "insert", "update (until)")),
        Access(JOBS, (READ_WRITE,)),
    ),
    _of_tenant("audit_event", Access(STAFF, ("insert",)), Access(IDENTITY, ("insert",)), rights=("select", "insert")),
    Wall(
        "webhook_refusal",
        None,
        (Access(FRONT_DOOR, (READ_WRITE,)), Access(STAFF, ("select",))),
    ),
    Wall(
        "quarantined_request",
        None,
        (
            Access(FRONT_DOOR, (READ_WRITE,)),
            Access(
                STAFF,
                (
                    "select (id, received_at, reason, kind, account_sid, is_signed, path, size_bytes, source,"
                    " parameter_names, state, settled_at, settled_by, outcome)",
                ),
            ),
        ),
    ),
)

HEAD = (
    "do $$ declare p record; begin for p in select policyname, tablename from pg_policies where schemaname = 'public'"
    " loop execute 'drop policy ' || quote_ident(p.policyname) || ' on ' || quote_ident(p.tablename); end loop; end $$",
    f"revoke all on all tables in schema public from {', '.join((*DOOR_ROLES, *OWNERS_OF_FUNCTIONS, LOGIN))}, public",
    # /readyz compares it with the newest migration this version knows.
    f"grant select on alembic_version to {IDENTITY}",
)


def build_statements() -> tuple[str, ...]:
    """The whole wall, from any state of it; to be run by the owner in one transaction."""
    return (*HEAD, *(statement for wall in WALLS for statement in wall.statements()))


def fingerprint() -> str:
    """Changes with every change of the wall."""
    return hashlib.sha256("\n".join(build_statements()).encode()).hexdigest()
