from __future__ import annotations

import pytest
from sqlalchemy import create_engine

from peertape.cassettes.lookup import AT_ONCE, FEW, Lookup
from peertape.cassettes.schema import paths


@pytest.mark.parametrize("asked", [0, 1, FEW, FEW + 1, AT_ONCE, 2 * AT_ONCE + 1])
def test_rows_of_any_number_of_values(asked: int) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        paths.create(connection)
        known = {f"/{number}": number for number in range(1, 3 * AT_ONCE, 2)}
        connection.execute(paths.insert(), [{"id": number, "folded": path} for path, number in known.items()])
        wanted = [f"/{number}" for number in range(asked)]
        found = Lookup(connection, paths.c.folded, paths.c.id, paths.c.folded)(wanted)
    engine.dispose()
    assert {row.folded: row.id for row in found} == {path: known[path] for path in wanted if path in known}
    assert len(found) == len({row.id for row in found})
