"""The audit trail: whose it is, looked through page by page, and as words."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import sqlalchemy as sa

from tenant_portal import db
from tenant_portal.audit import service
from tenant_portal.audit.queries import (
    OTHERS,
    Entry,
    Mark,
    Narrowing,
    latest,
    list_doers,
    list_kinds,
    narrowing_of,
)
from tenant_portal.audit.rules import ACTIONS, KINDS, action_words, kind_words
from tenant_portal.errors import NotFound
from tenant_portal.models import AuditEvent
from tenant_portal.tenants.service import AGENCY
from tests.cast import Cast, Someone
from tests.signed_in import person

EVERYTHING = Narrowing()
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def do(cast: Cast, who: Someone, *actions: str) -> None:
    assert who.tenant_id is not None
    async with db.tenant_session(who.tenant_id) as session:
        for action in actions:
            await service.record(session, person(who), action, "something")


async def read(
    cast: Cast, narrowing: Narrowing = EVERYTHING, before: Mark | None = None, limit: int = 50
) -> list[Entry]:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        return await latest(session, cast.acme.tenant_id, narrowing=narrowing, before=before, limit=limit)


def actions(entries: Sequence[Entry]) -> list[str]:
    return [entry.action for entry in entries]


async def test_each_client_sees_its_own_trail_only(cast: Cast) -> None:
    await do(cast, cast.alice, "lead:renamed")
    await do(cast, cast.charlie, "channel:requested")
    assert actions(await read(cast)) == ["lead:renamed"]
    async with db.tenant_session(cast.globex.tenant_id) as session:
        assert await latest(session, cast.acme.tenant_id) == []
        assert await list_kinds(session, cast.acme.tenant_id) == []
        assert await list_doers(session, cast.acme.tenant_id) == []
        assert [one.name for one in await list_doers(session, cast.globex.tenant_id)] == ["Charlie Cole"]


async def test_it_is_narrowed_by_person_and_by_kind(cast: Cast) -> None:
    await do(cast, cast.alice, "lead:renamed", "user:removed")
    await do(cast, cast.bob, "lead:stage-changed")
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await service.record(session, AGENCY, "tenant:suspended", of=cast.acme.tenant_id)
    bob = cast.bob.user_id
    assert actions(await read(cast, Narrowing(bob))) == ["lead:stage-changed"]
    assert actions(await read(cast, Narrowing(kind="lead"))) == ["lead:stage-changed", "lead:renamed"]
    assert actions(await read(cast, Narrowing(bob, kind="user"))) == []
    assert actions(await read(cast, Narrowing(only_others=True))) == ["tenant:suspended"]
    # `lead` is no beginning of another kind's name.
    assert actions(await read(cast, Narrowing(kind="le"))) == []
    async with db.tenant_session(cast.acme.tenant_id) as session:
        assert await list_kinds(session, cast.acme.tenant_id) == ["lead", "tenant", "user"]


async def test_another_clients_person_finds_as_little_as_a_made_up_one(cast: Cast) -> None:
    await do(cast, cast.charlie, "lead:renamed")
    assert await read(cast, Narrowing(cast.charlie.user_id)) == []


async def test_pages_follow_each_other_without_a_gap_even_at_one_moment(cast: Cast) -> None:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        for number in range(25):
            # Five at each moment: the time alone does not say where a page ends.
            at = AT + timedelta(seconds=number // 5)
            session.add(AuditEvent(tenant_id=cast.acme.tenant_id, at=at, actor_name="Alice", action=f"lead:{number}"))
            await session.flush()
    seen: list[str] = []
    mark = None
    while page := await read(cast, before=mark, limit=4):
        seen += actions(page)
        mark = page[-1].mark
    assert sorted(seen) == sorted(f"lead:{number}" for number in range(25))
    assert len(seen) == 25


@pytest.mark.database
async def test_each_way_of_reading_goes_along_an_index(cast: Cast, admin_url: str) -> None:
    fill = (
        "insert into audit_event (tenant_id, id, at, actor_id, actor_name, action, subject, details)"
        " select %s, gen_random_uuid(), now() - n * interval '1 s', null, 'x', 'lead:renamed', '', '{}'"
        " from generate_series(1, 20000) n"
    )
    with psycopg.connect(admin_url) as connection:
        connection.execute(fill, (cast.acme.tenant_id,))
        connection.execute("analyze audit_event")
    async with db.tenant_session(cast.acme.tenant_id) as session:
        for condition in (
            "action >= 'user:' and action < 'user;'",
            f"actor_id = '{cast.alice.user_id}'",
            "true",
        ):
            query = (
                f"explain (analyze, format text, costs off, timing off) select id from audit_event"
                f" where tenant_id = '{cast.acme.tenant_id}' and {condition} and (at, id) < (now(), gen_random_uuid())"
                " order by at desc, id desc limit 51"
            )
            plan = "\n".join(await session.scalars(sa.text(query.replace(":'", "\\:'"))))
            assert "Seq Scan" not in plan, plan
            assert "ix_audit_event" in plan, plan


@pytest.mark.parametrize("person", ["' or 1=1", "0", "x" * 300])
def test_a_person_who_cannot_be_is_not_found(person: str) -> None:
    with pytest.raises(NotFound):
        narrowing_of(person, "")


def test_an_empty_narrowing_is_none() -> None:
    assert narrowing_of("", "") == Narrowing()
    assert narrowing_of(OTHERS, "lead") == Narrowing(only_others=True, kind="lead")


def test_every_kind_of_an_action_with_words_has_words_too() -> None:
    assert {action.partition(":")[0] for action in ACTIONS} == set(KINDS)


def test_an_action_nobody_has_put_into_words_is_told_by_its_name() -> None:
    assert (action_words("label:deleted"), kind_words("canned_reply")) == ("Label deleted", "Canned reply")
    assert action_words("lead:renamed") == "Renamed a lead"
