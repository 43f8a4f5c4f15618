"""E-mails from the cause to the mail server: nothing lost, nothing in clear, nothing of one client's at another's."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from tenant_portal import db
from tenant_portal.cli.keys import reseal_all
from tenant_portal.config import new_secret_key, settings
from tenant_portal.identity import team
from tenant_portal.identity.queries import PendingInvitation, list_invitations
from tenant_portal.mail import jobs, rules, service
from tenant_portal.mail.gateway import MailError
from tenant_portal.mail.letters import Letter
from tenant_portal.models.enums import EmailState
from tests.cast import Cast
from tests.signed_in import person
from tests.test_job_queue import waiting

WORDS = "canary in a letter"


class Letterbox:
    """A mail server that takes everything, or nothing for a reason."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.messages: list[EmailMessage] = []

    async def send(self, message: EmailMessage) -> None:
        if self.error:
            raise self.error
        self.messages.append(message)

    @property
    def addressees(self) -> list[str]:
        return [str(message["To"]) for message in self.messages]


async def post(tenant_id: UUID | None, to: str = "nora@acme.example", useful_for: timedelta = timedelta(1)) -> None:
    letter = Letter(to, "Hello", (WORDS,))
    door = db.identity_session() if tenant_id is None else db.tenant_session(tenant_id)
    async with door as session:
        await service.post(session, tenant_id, letter, kind="test", useful_for=useful_for)


def rows(admin_url: str, columns: str) -> Sequence[tuple[object, ...]]:
    with psycopg.connect(admin_url) as connection:
        return connection.execute(f"select {columns} from outgoing_email order by id").fetchall()  # type: ignore[arg-type]


async def test_a_letter_is_sent_once_and_forgotten(cast: Cast, admin_url: str) -> None:
    box = Letterbox()
    await post(cast.acme.tenant_id)
    for _ in range(2):
        await jobs.drain(cast.acme.tenant_id, box)
    assert box.addressees == ["nora@acme.example"]
    assert rows(admin_url, "state, content_sealed, settled_at is not null") == [("sent", b"", True)]


async def test_a_letter_of_a_transaction_that_fails_is_never_sent(cast: Cast, admin_url: str) -> None:
    with pytest.raises(RuntimeError):
        async with db.tenant_session(cast.acme.tenant_id) as session:
            letter = Letter("nora@acme.example", "Hello", (WORDS,))
            await service.post(session, cast.acme.tenant_id, letter, kind="test", useful_for=timedelta(1))
            raise RuntimeError
    assert (rows(admin_url, "id"), waiting(admin_url)) == ([], [])


async def test_each_client_and_the_agency_has_its_own_job(cast: Cast, admin_url: str) -> None:
    for tenant_id in (cast.acme.tenant_id, cast.globex.tenant_id, None):
        for _ in range(2):
            await post(tenant_id)
    assert waiting(admin_url) == [
        ("mail.send", str(cast.acme.tenant_id)),
        ("mail.send", str(cast.globex.tenant_id)),
        ("mail.send", None),
    ]


async def test_a_job_sends_its_own_clients_letters_only(cast: Cast) -> None:
    await post(cast.acme.tenant_id, "a@acme.example")
    await post(cast.globex.tenant_id, "g@globex.example")
    await post(None, "s@agency.example")
    for tenant_id, own in ((cast.globex.tenant_id, "g@globex.example"), (None, "s@agency.example")):
        box = Letterbox()
        await jobs.drain(tenant_id, box)
        assert box.addressees == [own]


async def test_another_client_sees_and_changes_no_letter(cast: Cast) -> None:
    await post(cast.acme.tenant_id)
    await post(None)
    async with db.tenant_session(cast.globex.tenant_id) as session:
        assert await session.scalar(sa.text("select count(*) from outgoing_email")) == 0
        assert (await session.execute(sa.text("delete from outgoing_email"))).rowcount == 0  # type: ignore[attr-defined]
        assert await service.list_due(session, cast.acme.tenant_id, 10) == []
    with pytest.raises(DBAPIError, match="row-level security"):
        await _post_for_another(cast)


async def _post_for_another(cast: Cast) -> None:
    async with db.tenant_session(cast.globex.tenant_id) as session:
        letter = Letter("nora@acme.example", "Hello", (WORDS,))
        await service.post(session, cast.acme.tenant_id, letter, kind="test", useful_for=timedelta(1))


async def test_neither_address_nor_words_are_in_the_table(cast: Cast, admin_url: str) -> None:
    await post(cast.acme.tenant_id)
    [(row,)] = rows(admin_url, "outgoing_email::text")
    [(sealed,)] = rows(admin_url, "content_sealed")
    for secret in (WORDS, "nora@acme.example"):
        assert secret not in str(row)
        assert secret.encode() not in sealed  # type: ignore[operator]


async def test_a_letter_that_is_not_taken_waits_longer_each_time(cast: Cast, admin_url: str) -> None:
    await post(cast.acme.tenant_id)
    box = Letterbox(MailError("The mail server cannot be reached at the moment.", permanent=False))
    pauses = []
    for _ in range(3):
        with psycopg.connect(admin_url) as connection:
            connection.execute("update outgoing_email set next_attempt_at = now()")
        await jobs.drain(cast.acme.tenant_id, box)
        [(pause,)] = rows(admin_url, "extract(epoch from next_attempt_at - now())::int")
        pauses.append(pause)
    assert all(0 <= expected - int(str(pause)) <= 5 for pause, expected in zip(pauses, (30, 120, 480), strict=True))
    assert rows(admin_url, "state, attempts, last_error") == [("waiting", 3, box.error.message)]  # type: ignore[union-attr]
    # The job comes back by itself.
    assert waiting(admin_url) == [("mail.send", str(cast.acme.tenant_id))]


def test_the_pause_ends_at_an_hour() -> None:
    assert [rules.pause_after(tries) for tries in (5, 50)] == [timedelta(hours=1)] * 2


@pytest.mark.parametrize("error", [MailError("No.", permanent=True), MailError("Later.", permanent=False)])
async def test_a_letter_is_given_up_when_it_is_refused_or_of_no_more_use(
    cast: Cast, admin_url: str, error: MailError
) -> None:
    await post(cast.acme.tenant_id, useful_for=timedelta(days=1) if error.permanent else timedelta(seconds=20))
    await jobs.drain(cast.acme.tenant_id, Letterbox(error))
    assert rows(admin_url, "state, last_error, content_sealed") == [("failed", error.message, b"")]


async def test_a_letter_nobody_needs_any_more_is_not_sent(cast: Cast, admin_url: str) -> None:
    box = Letterbox()
    await post(cast.acme.tenant_id, useful_for=timedelta(seconds=-1))
    await jobs.drain(cast.acme.tenant_id, box)
    assert (box.messages, rows(admin_url, "state")) == ([], [("failed",)])


async def test_a_letter_that_breaks_the_portal_does_not_hold_up_the_next(cast: Cast, admin_url: str) -> None:
    await post(cast.acme.tenant_id, "no address at all")
    await post(cast.acme.tenant_id)
    box = Letterbox()
    await jobs.drain(cast.acme.tenant_id, box)
    assert box.addressees == ["nora@acme.example"]
    assert rows(admin_url, "state") == [("waiting",), ("sent",)]


async def test_what_a_killed_worker_left_is_woken(cast: Cast, admin_url: str) -> None:
    for tenant_id in (cast.acme.tenant_id, None):
        await post(tenant_id)
    with psycopg.connect(admin_url) as connection:
        connection.execute("set search_path = jobs")
        connection.execute("delete from procrastinate_jobs")
        connection.execute("update public.outgoing_email set next_attempt_at = now() - interval '6 seconds'")
    await jobs.sweep(0)
    assert {tenant for _, tenant in waiting(admin_url)} == {str(cast.acme.tenant_id), None}


async def test_nothing_goes_to_the_made_up_people_of_the_check(cast: Cast, admin_url: str) -> None:
    with psycopg.connect(admin_url) as connection:
        connection.execute("update tenant set is_synthetic = true where name = 'Acme'")
    await post(cast.acme.tenant_id)
    box = Letterbox()
    await jobs.drain(cast.acme.tenant_id, box)
    assert box.messages == []


async def test_settled_letters_are_forgotten_after_a_month(cast: Cast, admin_url: str) -> None:
    await post(cast.acme.tenant_id)
    await jobs.drain(cast.acme.tenant_id, Letterbox())
    async with db.identity_session() as session:
        await service.forget_old(session, datetime.now(UTC) + timedelta(days=29))
    assert len(rows(admin_url, "id")) == 1
    async with db.identity_session() as session:
        await service.forget_old(session, datetime.now(UTC) + timedelta(days=31))
    assert rows(admin_url, "id") == []


async def test_a_new_key_seals_waiting_letters_again(
    cast: Cast, admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post(cast.acme.tenant_id)
    await post(None)
    kept = (settings().data_dir / "secret_keys").read_text()
    monkeypatch.setenv("PORTAL_SECRET_KEYS", f"{new_secret_key('fresh')},{kept}")
    settings.cache_clear()
    try:
        assert (await reseal_all())["emails"] == 2
        assert (await reseal_all())["emails"] == 0
        box = Letterbox()
        await jobs.drain(cast.acme.tenant_id, box)
        assert box.addressees == ["nora@acme.example"]
    finally:
        monkeypatch.undo()
        settings.cache_clear()


async def invite(cast: Cast, email: str = "nora@acme.example") -> str:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        return await team.invite(session, person(cast.alice), email=email, role="agent", now=datetime.now(UTC))


async def pending(cast: Cast) -> list[PendingInvitation]:
    async with db.tenant_session(cast.acme.tenant_id) as session:
        return await list_invitations(session, cast.acme.tenant_id, datetime.now(UTC))


async def test_an_invitation_brings_its_link_to_the_invited_address(cast: Cast) -> None:
    token, box = await invite(cast), Letterbox()
    await jobs.drain(cast.acme.tenant_id, box)
    [message] = box.messages
    text = message.get_body(("plain",))
    assert text is not None
    assert (message["To"], message["Subject"]) == ("nora@acme.example", "Alice Archer invites you to Acme")
    assert f"https://portal.example.com/invitation/{token}" in text.get_content()
    assert [one.mail_state for one in await pending(cast)] == [EmailState.SENT]


async def test_the_owner_sees_why_an_invitation_was_not_sent(cast: Cast) -> None:
    await invite(cast)
    await jobs.drain(cast.acme.tenant_id, Letterbox(MailError("The mail server does not take this address.")))
    [one] = await pending(cast)
    assert (one.mail_state, one.mail_error) == (EmailState.FAILED, "The mail server does not take this address.")


async def test_a_revoked_invitation_is_not_sent(cast: Cast) -> None:
    await invite(cast)
    [one] = await pending(cast)
    async with db.tenant_session(cast.acme.tenant_id) as session:
        await team.revoke(session, person(cast.alice), one.invitation_id)
    box = Letterbox()
    await jobs.drain(cast.acme.tenant_id, box)
    assert box.messages == []


async def test_a_client_cannot_invite_the_whole_world(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "INVITATIONS_A_DAY", 2)
    for number in range(2):
        await invite(cast, f"n{number}@acme.example")
    with pytest.raises(team.BadInput, match="2 invitations a day"):
        await invite(cast, "n2@acme.example")
