"""Some of these pages ask the shipped simulated Twilio."""

from tests.simulated_twilio import addresses, portal, twilio

__all__ = ["addresses", "portal", "twilio"]
