"""The store that an address names."""

from __future__ import annotations

from importlib.metadata import version

from peertape.config.state import RedisAddress, SqliteAddress
from peertape.proxy.engine.state.interface import StateLostError
from peertape.proxy.engine.state.store import Store


def opened(address: RedisAddress | SqliteAddress) -> Store:
    """Raises StateLostError if it is not there."""
    if isinstance(address, SqliteAddress):
        from peertape.proxy.stores.sqlite import SqliteStore

        return SqliteStore(address.path)
    try:
        from peertape.proxy.stores.redis import RedisStore
    except ModuleNotFoundError as error:
        raise StateLostError("Sessions in Redis need the package redis: pip install 'peertape[redis]'.") from error
    return RedisStore(address, version("peertape"))
