"""These tests run against the shipped simulated Twilio."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.channels.stage import Stage
from tests.command_line import command
from tests.simulated_twilio import SimulatedTwilio, addresses, make_client, portal, twilio

__all__ = ["addresses", "command", "portal", "twilio"]


@pytest_asyncio.fixture
async def acme(twilio: SimulatedTwilio) -> AsyncIterator[Stage]:
    """A client with a subaccount and no channel."""
    yield Stage(twilio, await make_client("Acme"))
