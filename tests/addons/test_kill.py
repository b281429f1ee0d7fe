"""kill -9 in the middle of a recording."""

from __future__ import annotations

import time

from support.process import Peertape, close_readers, recorded
from support.wire import Instance, Wire, answer

from peertape.cassettes.bodies import read
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

PER_SECOND = 50
EXCHANGES = 2 * PER_SECOND
MOST_LOST = 0.5  # seconds: what the project promises


def test_a_kill_loses_at_most_the_last_half_second(peertape, instance: Instance) -> None:
    app = peertape("record", "--upstream", instance.url)

    def serve(wire: Wire) -> None:
        while head := wire.head():
            wire.send(answer(f'{{"path": "{head.target}"}}', content_type="application/json"))

    with instance.serving(serve):
        answered = _ask_steadily(app)
        killed = time.time()
        app.kill()

    cassette = Cassette(app.cassette)
    try:
        whole = {candidate.target for candidate in cassette.candidates() if candidate.state == "complete"}
    finally:
        cassette.close()
    lost = {target: killed - moment for target, moment in answered.items() if target not in whole}
    assert not [age for age in lost.values() if age > MOST_LOST], lost

    replay = peertape("replay", app.cassette)
    first = next(iter(answered))
    assert replay.ask(f"GET {first}")[1].decode() == f'{{"path": "{first}"}}'
    assert replay.stop() == 0


def test_what_was_under_way_is_cut(peertape, instance: Instance) -> None:
    app = peertape("record", "--upstream", instance.url)
    client = app.connect()
    client.send("GET /film HTTP/1.1\r\nHost: x\r\n\r\n")
    server = instance.accept()
    server.head()
    server.send("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 2000000\r\n\r\n" + 1_000_000 * "x")
    client.head()
    client.exactly(1_000_000)
    recorded(app.cassette, "/film", ended=False)
    close_readers()
    app.kill()
    CassetteWriter(app.cassette, RedactionRules.default()).close()
    assert [file.name for file in app.cassette.parent.glob("peertape.cassette*")] == ["peertape.cassette"]
    (exchange,) = recorded(app.cassette, "/film")
    assert (exchange.state, exchange.error) == ("cut", "the recording was interrupted")
    assert exchange.response is not None
    assert read(exchange.response.body) == b""


def _ask_steadily(app: Peertape) -> dict[str, float]:
    """Paths, and when their answer was there; `PER_SECOND` of them."""
    client = app.connect()
    answered: dict[str, float] = {}
    begin = time.monotonic()
    for number in range(EXCHANGES):
        target = f"/api/v1/videos/{number}"
        client.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")
        client.message()
        answered[target] = time.time()
        time.sleep(max(0.0, begin + (number + 1) / PER_SECOND - time.monotonic()))  # the pace that is asked for
    return answered
