"""A cassette that a command only reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from peertape.cassettes.store import Cassette
from peertape.config import settings as config
from peertape.proxy.cli.opencassettes import open_cassettes


@contextmanager
def opened(name: str) -> Iterator[Cassette]:
    """The named one; `demo` is the bundled one."""
    (cassette,) = open_cassettes([name], config.load({}))
    try:
        yield cassette
    finally:
        cassette.close()
