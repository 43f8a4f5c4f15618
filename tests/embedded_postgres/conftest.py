"""A made cluster to copy: a first start takes a second, a copy a tenth."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenant_portal.embedded_postgres import EmbeddedServer

if sys.platform != "linux":
    collect_ignore_glob = ["test_*"]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a server that was started and stopped once."""
    folder = tmp_path_factory.mktemp("made")
    with EmbeddedServer(folder, fast=True):
        pass
    return folder


@pytest.fixture
def data_dir(made: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    subprocess.run(["cp", "-a", made, tmp_path / "data"], check=True)
    return tmp_path / "data"


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedServer]:
    """A running server of one test."""
    with EmbeddedServer(data_dir, fast=True) as server:
        yield server
