"""Commands as a person at a terminal runs them, beside the servers of the test."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tenant_portal import db
from tenant_portal.config import settings


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed, and its exit code."""

    code: int
    text: str
    error: BaseException | None

    @property
    def data(self) -> Any:
        """The JSON it printed."""
        return json.loads(self.text)


Command = Callable[..., Awaitable[Answer]]


@pytest.fixture
def command(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Runs a command of a typer app in a thread, with an event loop of its own, against this test's database."""
    monkeypatch.setenv("PORTAL_DATABASE_APP_URL", database)
    settings.cache_clear()

    async def run(app: typer.Typer, *arguments: object, typed: str = "") -> Answer:
        # Connections belong to an event loop: the command must open its own.
        await db.close()
        words = [str(argument) for argument in arguments]
        found = await asyncio.to_thread(CliRunner().invoke, app, words, typed)
        return Answer(found.exit_code, found.stdout, found.exception)

    yield run
    monkeypatch.undo()
    settings.cache_clear()
