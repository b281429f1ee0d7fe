"""What several processes of one run counted, added up."""

from __future__ import annotations

from peertape.proxy.engine.journal import Entry
from peertape.proxy.engine.tally import Tally

ENTRY = Entry(0.0, "default", "anonymous", "GET", "/a", 200, "recorded", "recorded; exchange=1", 1, "c")
MISS = ENTRY._replace(target="/b", status=501, source="miss", exchange=None, cassette=None)


def test_tallies_add_up_to_that_of_one_process() -> None:
    answered = [ENTRY, MISS, ENTRY._replace(exchange=2), MISS, ENTRY]
    alone, parts = Tally(frozenset({"recorded"})), [Tally(frozenset({"recorded"})) for _ in range(2)]
    for number, entry in enumerate(answered):
        alone(entry)
        parts[number % 2](entry)
    total = Tally(frozenset({"recorded"}))
    for part in parts:
        total.add(part)
    assert total == alone
    assert (total.answers, total.broken, total.missed) == (5, {"miss": 2}, {"GET /b": 2})
