"""What the tests of this folder share."""

from tests.command_line import command

__all__ = ["command"]
