"""The suite itself talks to nobody but this machine."""

import socket

import pytest

from tests.loopback_only import ForeignHost


def test_another_host_is_refused() -> None:
    with socket.socket() as client, pytest.raises(ForeignHost):
        client.connect(("192.0.2.1", 443))


def test_another_hosts_name_is_not_even_looked_up() -> None:
    with pytest.raises(ForeignHost):
        socket.getaddrinfo("portal.example.com", 443)


def test_loopback_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(server.getsockname())
