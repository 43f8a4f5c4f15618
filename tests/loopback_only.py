"""A guard around the suite: it talks to nobody but this machine."""

import sys
from ipaddress import ip_address
from typing import Any

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost", "", None})


class ForeignHost(RuntimeError):
    """A test wanted to leave this machine."""


def guard() -> None:
    """Refuse connections and look-ups of other hosts; for the rest of the process, as Python's audit hooks are."""
    sys.addaudithook(_refuse_foreign_hosts)


def _refuse_foreign_hosts(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        _refuse(arguments[1][0])
    elif event == "socket.getaddrinfo" and not _is_number(arguments[0]):
        _refuse(arguments[0])


def _is_number(host: str | bytes | None) -> bool:
    """An address in figures is asked of nobody."""
    try:
        ip_address(host.decode() if isinstance(host, bytes) else host or "")
    except ValueError:
        return False
    return True


def _refuse(host: str | bytes | None) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name not in LOOPBACK:
        raise ForeignHost(f"The suite may not talk to {name}")
