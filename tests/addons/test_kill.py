"""kill -9 in the middle of a recording: of the proxy, of the process that writes for it, and of both."""

from __future__ import annotations

import os
import signal
import time

from support.process import Peertape, close_readers, recorded
from support.wire import Instance, Wire, answer

from peertape.cassettes.bodies import read
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

PER_SECOND = 50
EXCHANGES = 2 * PER_SECOND
HALF = 1_000_000  # octets
WRONG = 2  # the exit code
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
    """The process that writes has all that was handed over, and ends what it does."""
    app = peertape("record", "--upstream", instance.url)
    client, _ = _half_a_film(app, instance)
    client.exactly(HALF)
    app.kill()
    assert _files_of(app) == ["peertape.cassette"]
    (exchange,) = recorded(app.cassette, "/film")
    assert (exchange.state, exchange.error) == ("cut", "the recording was ended")


def test_what_nobody_could_end_is_cut_by_the_next(peertape, instance: Instance) -> None:
    app = peertape("record", "--upstream", instance.url)
    client, _ = _half_a_film(app, instance)
    client.exactly(HALF)
    recorded(app.cassette, "/film", ended=False)
    close_readers()
    for process in (*app.children, app.pid):
        os.kill(process, signal.SIGKILL)
    app.kill()
    CassetteWriter(app.cassette, RedactionRules.default()).close()
    assert _files_of(app) == ["peertape.cassette"]
    (exchange,) = recorded(app.cassette, "/film")
    assert (exchange.state, exchange.error) == ("cut", "the recording was interrupted")
    assert exchange.response is not None
    assert read(exchange.response.body) == b""


def test_the_app_is_served_on_when_nobody_writes(peertape, instance: Instance) -> None:
    app = peertape("record", "--upstream", instance.url)
    client, server = _half_a_film(app, instance)
    client.exactly(HALF)
    (writer,) = app.children
    os.kill(writer, signal.SIGKILL)
    server.send(HALF * "y")
    assert client.exactly(HALF) == HALF * b"y"
    assert app.stop() == WRONG, app.said
    assert app.said.count("RECORDING STOPPED: The process that writes the cassette was ended by SIGKILL") == 1
    assert "Traceback" not in app.said


def test_what_stops_the_whole_group_loses_nothing(peertape, instance: Instance) -> None:
    """As Ctrl-C at a terminal does, and a service manager."""
    app = peertape("record", "--upstream", instance.url)
    with instance.serving(lambda wire: (wire.head(), wire.send(answer("here")))):
        assert app.ask("GET /last")[1] == b"here"
    for process in (*app.children, app.pid):
        os.kill(process, signal.SIGINT)
    assert app.stop() == 0
    assert _files_of(app) == ["peertape.cassette"]
    (exchange,) = recorded(app.cassette, "/last")
    assert exchange.state == "complete"


def _half_a_film(app: Peertape, instance: Instance) -> tuple[Wire, Wire]:
    client = app.connect()
    client.send("GET /film HTTP/1.1\r\nHost: x\r\n\r\n")
    server = instance.accept()
    server.head()
    server.send(f"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: {2 * HALF}\r\n\r\n" + HALF * "x")
    client.head()
    return client, server


def _files_of(app: Peertape) -> list[str]:
    return [file.name for file in app.cassette.parent.glob("peertape.cassette*")]


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
