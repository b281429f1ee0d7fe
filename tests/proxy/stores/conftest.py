"""The places where sessions are kept, each seen by as many workers as a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path

import pytest

from peertape.cassettes.store import Cassette
from peertape.config.state import RedisAddress, SqliteAddress
from peertape.proxy.engine.session import Session, Sessions
from peertape.proxy.engine.state.shared import SharedState
from peertape.proxy.engine.state.snapshots import Snapshots
from peertape.proxy.engine.state.store import Store
from peertape.proxy.engine.twin.contract import book
from peertape.proxy.stores.memory import Memory, MemoryStore
from peertape.proxy.stores.opening import opened

NUMBERS = count()


@dataclass
class Place:
    """`open` gives each worker another store, of a few; `fresh` one that it closes. None: all is in this process."""

    open: Callable[[], Store] | None = None
    fresh: Callable[[], Store] | None = None
    cassettes: list[Cassette] = field(default_factory=list)
    _local: Sessions = field(default_factory=Sessions)

    def worker(self) -> Sessions:
        if self.open is None:
            return self._local
        return self.over(self.open())

    def over(self, store: Store) -> Sessions:
        return Sessions(SharedState(store, Snapshots(self.cassettes, lambda: book("6.3"))))

    def workers(self, number: int = 2, name: str | None = None) -> list[Session]:
        """One session, as so many workers have it; a new one if none is named."""
        name = name or f"session {next(NUMBERS)}"
        return [self.worker().get(name) for _ in range(number)]


def sqlite_address(folder: Path) -> SqliteAddress:
    return SqliteAddress(folder / "state.sqlite")


@pytest.fixture(scope="session", params=["process", "memory", "sqlite", "redis"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One for all tests: what a test does lies in sessions of its own."""
    if request.param == "process":
        yield Place()
        return
    if request.param == "memory":
        memory = Memory()
        yield Place(lambda: MemoryStore(memory), lambda: MemoryStore(memory))
        return
    if request.param == "sqlite":
        address: SqliteAddress | RedisAddress = sqlite_address(tmp_path_factory.mktemp("state"))
    else:
        url = request.getfixturevalue("redis_server").url
        address = RedisAddress(url, url, "laws")
    with ExitStack() as stack:
        stores = cycle([stack.enter_context(closing(opened(address))) for _ in range(3)])
        yield Place(lambda: next(stores), lambda: opened(address))
