"""What tests of whole processes share; see `tests/support`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from support import postgresql
from support.postgresql import Server
from support.wire import Instance

if TYPE_CHECKING:
    from support.process import Peertape
    from support.redis import RedisServer

# How fast the machine is says nothing about the code.
settings.register_profile("peertape", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("peertape")


@pytest.fixture
def peertape(tmp_path: Path) -> Iterator[Callable[..., Peertape]]:
    """Starts `peertape ARGUMENTS --listen 127.0.0.1:0`, waits until it listens, and ends it after the test."""
    from support.process import Peertape, close_readers

    started: list[Peertape] = []

    def start(*arguments: str | Path, **options: object) -> Peertape:
        process = Peertape(tmp_path, *arguments, "--listen", "127.0.0.1:0", **options)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.running:
            process.kill()
    close_readers()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server, one for each process of the tests."""
    with postgresql.server() as made:
        yield made


@pytest.fixture
def instance() -> Iterator[Instance]:
    """A listener that stands for the instance."""
    listener = Instance()
    yield listener
    listener.close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One for all tests of a process; they take prefixes of their own."""
    from support.redis import RedisServer

    with RedisServer() as server:
        yield server
