"""Cassettes on the server of `support.postgresql`."""

from __future__ import annotations

import pytest
from support.postgresql import Server

from peertape.cassettes import places
from peertape.cassettes.place import Place


@pytest.fixture
def url(server: Server) -> str:
    """Of a cassette that is not there yet."""
    return server.fresh()


@pytest.fixture
def there(url: str) -> Place:
    """A place at which is nothing yet."""
    return places.named(url)
