"""Where a cassette lies: in a file, or as a schema on a team's PostgreSQL server."""

from __future__ import annotations

from pathlib import Path

from peertape.cassettes.place import Place
from peertape.cassettes.sqlite.place import FilePlace


def named(name: str) -> Place:
    """The place that a name on the command line stands for."""
    if "://" not in name:
        return FilePlace(Path(name))
    from peertape.cassettes.postgresql.address import Address
    from peertape.cassettes.postgresql.place import ServerPlace  # what files do not need

    return ServerPlace(Address.of(name))


def place_of(given: Path | Place) -> Place:
    return FilePlace(given) if isinstance(given, Path) else given
