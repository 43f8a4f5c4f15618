"""The suite itself talks to nobody but this machine."""

import socket

import pytest

from tests.loopback_only import ForeignHost


@pytest.mark.parametrize("host", ["192.0.2.1", "portal.example.com"])
def test_another_host_is_refused(host: str) -> None:
    with pytest.raises(ForeignHost):
        socket.create_connection((host, 443))


def test_loopback_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(server.getsockname())
