"""The open front door for these tests."""

from tests.webhook_client import portal

__all__ = ["portal"]
