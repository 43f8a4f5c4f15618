"""The second step of sign-in: a code that an app makes anew every 30 seconds (TOTP, RFC 6238), or a recovery code.

After the right password there is no session yet, only a sealed note that the password was right; it is good for ten
minutes, and a code turns it into a session.
"""

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pyotp
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.audit import service as audit
from tenant_portal.crypto import CannotOpen, Place, seal, sealing_header, token_hash, unseal
from tenant_portal.errors import BadInput, Conflict, NotFound
from tenant_portal.identity import attempts, letters, sessions
from tenant_portal.identity.queries import Person, needs_second_step, people, without_session
from tenant_portal.identity.rules import NOTICE_LIFE, SECOND_STEP
from tenant_portal.identity.sessions import Device
from tenant_portal.mail import service as mail
from tenant_portal.models import SecondFactor, User

STEP_SECONDS = 30
# Of the clock of a phone: one step early, or late.
NEIGHBOURS = (0, -1, 1)
DIGITS = 6
NOTE_LIFE = timedelta(minutes=10)
NOTE = Place("sign_in", "note", None, "second step")
RECOVERY_CODES, RECOVERY_LETTERS = 10, 16
# Without those that look alike on paper: 79 bits for a code, so that a plain hash is enough.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
WRONG_CODE = "This code is wrong or was used already. Take the one that your app shows now."
TOO_LATE = "It took too long to enter the code. Sign in again."


@dataclass(frozen=True, slots=True)
class SecondStep:
    """The password was right, and there is no session yet. `is_new`: a second step has to be set up first."""

    note: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Status:
    """Whether somebody has a second step, and how many recovery codes are left."""

    is_on: bool
    codes_left: int


async def let_in(session: AsyncSession, user: User, device: Device, now: datetime) -> str | SecondStep:
    """A session for somebody whose password was right, or what is asked before there is one."""
    if (await status(session, user.id)).is_on:
        return SecondStep(_write_note(user, now), is_new=False)
    if user.tenant_id is not None and await needs_second_step(session, user.tenant_id):
        return SecondStep(_write_note(user, now), is_new=True)
    return await _begin_session(session, user, device, now)


async def status(session: AsyncSession, user_id: UUID) -> Status:
    """Takes an identity session, as all functions here do but `take_away`."""
    row = await session.get(SecondFactor, user_id)
    if row is None or row.confirmed_at is None:
        return Status(False, 0)
    return Status(True, len(row.recovery_hashes))


async def whose(session: AsyncSession, note: str, now: datetime) -> User:
    """Who has typed the right password; NotFound once the note is over, or the password another one."""
    try:
        told = json.loads(unseal(urlsafe_b64decode(note), NOTE))
        user_id, until = UUID(told["user"]), datetime.fromisoformat(told["until"])
    except (CannotOpen, ValueError):
        raise NotFound(TOO_LATE) from None
    user = (await session.execute(people(col(User.id) == user_id))).scalar_one_or_none()
    if user is None or until <= now or not hmac.compare_digest(told["password"], _mark(user)):
        raise NotFound(TOO_LATE)
    return user


async def enter(session: AsyncSession, note: str, code: str, device: Device, now: datetime) -> str:
    """The session token for the right code, "" for a wrong one; NotFound if the password has to be typed again."""
    user = await whose(session, note, now)
    attempt = await attempts.count(session, str(user.id), device.address, now, SECOND_STEP)
    if attempt.is_blocked or not await _is_right(session, user, code, now):
        return ""
    await attempts.forgive(session, attempt)
    return await _begin_session(session, user, device, now)


async def begin(session: AsyncSession, person: Person) -> str:
    """A fresh secret for an app; it changes nothing until `confirm`. Conflict if there is a second step already."""
    row = await session.get(SecondFactor, person.user_id, with_for_update=True)
    if row is not None and row.confirmed_at is not None:
        raise Conflict("Two-step sign-in is on already.")
    secret = pyotp.random_base32()
    sealed = seal(secret, _place(person.tenant_id, person.user_id))
    if row is None:
        session.add(SecondFactor(user_id=person.user_id, tenant_id=person.tenant_id, secret_sealed=sealed))
    else:
        row.secret_sealed = sealed
    await session.flush()
    return secret


async def pending_secret(session: AsyncSession, person: Person) -> str:
    """The secret that waits for its first code; NotFound if none does."""
    row = await session.get(SecondFactor, person.user_id)
    if row is None or row.confirmed_at is not None:
        raise NotFound
    return _secret(row)


async def confirm(session: AsyncSession, person: Person, code: str, now: datetime) -> tuple[str, ...]:
    """Turn it on with a first code of the app; the recovery codes, which are shown once. BadInput for a wrong code."""
    row = await session.get(SecondFactor, person.user_id, with_for_update=True)
    if row is None or row.confirmed_at is not None:
        raise NotFound("Begin again: this set-up is over.")
    step = matching_step(_secret(row), _digits(code), now)
    if step is None:
        raise BadInput(WRONG_CODE, field="code")
    row.confirmed_at, row.last_step = now, step
    codes = _renew(row)
    await _tell(session, person, "user:two-step-turned-on", "Two-step sign-in was turned on.")
    return codes


async def begin_session(session: AsyncSession, note: str, device: Device, now: datetime) -> str:
    """The session token for somebody who has just set their second step up."""
    return await _begin_session(session, await whose(session, note, now), device, now)


async def renew_codes(session: AsyncSession, person: Person) -> tuple[str, ...]:
    """Ten new recovery codes; the old ones are worthless. After the password was asked for again."""
    row = await session.get(SecondFactor, person.user_id, with_for_update=True)
    if row is None or row.confirmed_at is None:
        raise NotFound
    codes = _renew(row)
    await _tell(session, person, "user:recovery-codes-renewed", "New recovery codes were made for your sign-in.")
    return codes


async def turn_off(session: AsyncSession, person: Person) -> None:
    """Back to the password alone. After the password was asked for again. Conflict where the team requires it."""
    if person.tenant_id is not None and await needs_second_step(session, person.tenant_id):
        raise Conflict("Your team requires two-step sign-in.")
    if await take_away(session, person.tenant_id, person.user_id):
        await _tell(session, person, "user:two-step-turned-off", "Two-step sign-in was turned off.")


async def take_away(session: AsyncSession, tenant_id: UUID | None, user_id: UUID) -> bool:
    """Delete somebody's second step; whether there was one. Takes an identity session, or one of the tenant."""
    of_tenant = col(SecondFactor.tenant_id)
    where = (of_tenant.is_(None) if tenant_id is None else of_tenant == tenant_id, col(SecondFactor.user_id) == user_id)
    statement = sa.delete(SecondFactor).where(*where).returning(col(SecondFactor.confirmed_at))
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def reseal(session: AsyncSession, *, limit: int) -> int:
    """Seal secrets again that another key than the first sealed; how many."""
    current, sealed = sealing_header(), col(SecondFactor.secret_sealed)
    query = sa.select(SecondFactor).where(sa.func.substr(sealed, 1, len(current)) != current)
    rows = (await session.execute(query.limit(limit).with_for_update())).scalars().all()
    for row in rows:
        row.secret_sealed = seal(_secret(row), _place(row.tenant_id, row.user_id))
    return len(rows)


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The 30-second step whose code this is, of the present one and its neighbours; None for none of them."""
    present, app = int(now.timestamp()) // STEP_SECONDS, pyotp.TOTP(secret)
    return next((present + by for by in NEIGHBOURS if hmac.compare_digest(app.generate_otp(present + by), code)), None)


def new_recovery_code() -> str:
    """Like `k7mq-…`, four groups of four."""
    letters_ = "".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_LETTERS))
    return "-".join(letters_[start : start + 4] for start in range(0, RECOVERY_LETTERS, 4))


async def _is_right(session: AsyncSession, user: User, code: str, now: datetime) -> bool:
    # Locked: of two who use one code at once only one may get in.
    row = await session.get(SecondFactor, user.id, with_for_update=True, populate_existing=True)
    if row is None or row.confirmed_at is None:
        return False
    step = matching_step(_secret(row), _digits(code), now)
    if step is not None:
        is_fresh = step > row.last_step
        row.last_step = max(step, row.last_step)
        return is_fresh
    used = _recovery_hash(code)
    if used not in row.recovery_hashes:
        return False
    row.recovery_hashes = [one for one in row.recovery_hashes if one != used]
    left = len(row.recovery_hashes)
    sentence = f"A recovery code was used to sign in; {left} are left."
    await _tell(session, without_session(user), "user:recovery-code-used", sentence)
    return True


async def _begin_session(session: AsyncSession, user: User, device: Device, now: datetime) -> str:
    return await sessions.begin(session, user, address=device.address, user_agent=device.user_agent, now=now)


async def _tell(session: AsyncSession, person: Person, action: str, sentence: str) -> None:
    letter = letters.notice(person.email, person.name, sentence)
    await mail.post(session, person.tenant_id, letter, kind="notice", useful_for=NOTICE_LIFE)
    if person.tenant_id is not None:
        await audit.record(session, person, action, person.email)


def _write_note(user: User, now: datetime) -> str:
    told = {"user": str(user.id), "until": (now + NOTE_LIFE).isoformat(), "password": _mark(user)}
    return urlsafe_b64encode(seal(json.dumps(told), NOTE)).decode()


def _mark(user: User) -> str:
    """Changes with the password."""
    return hashlib.sha256(user.password_hash.encode()).hexdigest()


def _renew(row: SecondFactor) -> tuple[str, ...]:
    codes = tuple(new_recovery_code() for _ in range(RECOVERY_CODES))
    row.recovery_hashes = [_recovery_hash(code) for code in codes]
    return codes


def _recovery_hash(code: str) -> bytes:
    return token_hash("".join(letter for letter in code.lower() if letter.isalnum()))


def _digits(code: str) -> str:
    plain = "".join(code.split()).replace("-", "")
    return plain if plain.isascii() and plain.isdigit() and len(plain) == DIGITS else ""


def _secret(row: SecondFactor) -> str:
    return unseal(row.secret_sealed, _place(row.tenant_id, row.user_id))


def _place(tenant_id: UUID | None, user_id: UUID) -> Place:
    return Place("second_factor", "secret_sealed", tenant_id, str(user_id))
