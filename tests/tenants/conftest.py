"""These tests run against the shipped simulated Twilio."""

from tests.command_line import command
from tests.simulated_twilio import addresses, portal, twilio

__all__ = ["addresses", "command", "portal", "twilio"]
