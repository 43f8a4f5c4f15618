"""`user`: people who may sign in."""

import secrets
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
import typer
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tenant_portal.cli import runtime
from tenant_portal.cli.runtime import AsJson
from tenant_portal.db import identity_session
from tenant_portal.errors import BadInput, NotFound
from tenant_portal.identity import resets, second_factor, service, sessions
from tenant_portal.identity.passwords import hash_password
from tenant_portal.identity.rules import tidy_email
from tenant_portal.models import Tenant, User
from tenant_portal.models.enums import Role

PASSWORD_BYTES = 12

app = typer.Typer(help="People who may sign in.", no_args_is_help=True)
Email = Annotated[str, typer.Argument(help="E-mail address.")]


@app.command()
def create(
    email: Email,
    name: Annotated[str, typer.Option(help="As others see them.")],
    role: Annotated[Role, typer.Option(help="owner and agent belong to a client, staff to the agency.")] = Role.STAFF,
    client: Annotated[str, typer.Option(help="Name or id of the client, for owner and agent.")] = "",
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add a person. Without --password-stdin a password is made and printed once."""
    password = typer.get_text_stream("stdin").readline().rstrip("\n") if password_stdin else _new_password()
    shown = "" if password_stdin else password
    made = runtime.run(lambda: _create(email, name, role, client, password))
    runtime.show_one(made | ({"password": shown} if shown else {}), as_json=as_json)


@app.command("list")
def list_(client: Annotated[str, typer.Option(help="Only of this client.")] = "", as_json: AsJson = False) -> None:
    """Everybody who may sign in."""
    runtime.show(runtime.run(lambda: _list(client)), as_json=as_json, title="People")


@app.command()
def disable(email: Email, as_json: AsJson = False) -> None:
    """Sign somebody out everywhere and for good."""
    runtime.show_one(runtime.run(lambda: _disable(email)), as_json=as_json)


@app.command("reset-password")
def reset_password(email: Email, as_json: AsJson = False) -> None:
    """Give somebody a new password, printed once, and sign them out everywhere."""
    runtime.show_one(runtime.run(lambda: _reset(email, _new_password())), as_json=as_json)


@app.command("reset-two-step")
def reset_two_step(email: Email, as_json: AsJson = False) -> None:
    """Take somebody's two-step sign-in away, whose phone and recovery codes are lost; sign them out everywhere."""
    runtime.show_one(runtime.run(lambda: _reset_two_step(email)), as_json=as_json)


async def _create(email: str, name: str, role: Role, client: str, password: str) -> dict[str, Any]:
    async with identity_session() as session:
        tenant_id = await _tenant(session, client) if client else None
        user_id = await service.create_user(
            session, email=email, name=name, role=role, password=password, tenant_id=tenant_id
        )
    return {"id": user_id, "email": tidy_email(email), "name": name, "role": role.value, "client": client or None}


async def _list(client: str) -> list[dict[str, Any]]:
    query = (
        sa.select(col(User.email), col(User.name), col(User.role), col(Tenant.name), col(User.disabled_at))
        .outerjoin(Tenant, col(Tenant.id) == col(User.tenant_id))
        .order_by(col(Tenant.name).nulls_first(), col(User.email))
    )
    async with identity_session() as session:
        if client:
            query = query.where(col(User.tenant_id) == await _tenant(session, client))
        rows = (await session.execute(query)).all()
    names = ("email", "name", "role", "client", "disabled_at")
    return [dict(zip(names, (*row[:2], row[2].value, *row[3:]), strict=True)) for row in rows]


async def _disable(email: str) -> dict[str, Any]:
    async with identity_session() as session:
        user = await _user(session, email)
        user.disabled_at = datetime.now(UTC)
        ended = await sessions.end_all(session, user.id)
    return {"email": user.email, "sessions_ended": ended}


async def _reset(email: str, password: str) -> dict[str, Any]:
    async with identity_session() as session:
        user = await _user(session, email)
        user.password_hash = await hash_password(password)
        await resets.cancel(session, user.id)
        ended = await sessions.end_all(session, user.id)
    return {"email": user.email, "password": password, "sessions_ended": ended}


async def _reset_two_step(email: str) -> dict[str, Any]:
    async with identity_session() as session:
        user = await _user(session, email)
        had_one = await second_factor.take_away(session, user.tenant_id, user.id)
        ended = await sessions.end_all(session, user.id)
    return {"email": user.email, "had_two_step": had_one, "sessions_ended": ended}


async def _user(session: AsyncSession, email: str) -> User:
    query = sa.select(User).where(col(User.email) == tidy_email(email), col(User.disabled_at).is_(None))
    user = await session.scalar(query)
    if user is None:
        raise NotFound("Nobody with this e-mail address may sign in.")
    return user


async def _tenant(session: AsyncSession, client: str) -> UUID:
    found = (await session.execute(sa.select(col(Tenant.id), col(Tenant.name)))).all()
    ids = [row.id for row in found if client in (str(row.id), row.name)]
    if len(ids) != 1:
        raise BadInput("Give the name of one client, or its id; `tenant list` shows them.")
    return UUID(str(ids[0]))


def _new_password() -> str:
    return secrets.token_urlsafe(PASSWORD_BYTES)
