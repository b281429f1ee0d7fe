"""The commands that record into a cassette on a PostgreSQL server, and those that play it, as users run them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from click.testing import CliRunner
from support import samples
from support.commands import one_sentence, run
from support.postgresql import GUARDED, Server
from support.process import Peertape, wait_for
from support.tube import Tube

from peertape.cassettes import places
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.writer import CassetteWriter
from peertape.proxy.cli.root import cli

VIDEOS, CONFIG, ABOUT = "/api/v1/videos", "/api/v1/config", "/api/v1/config/about"


@pytest.fixture
def tube() -> Iterator[Tube]:
    tube = Tube()
    for target in (CONFIG, ABOUT):
        tube.says(f"GET {target}", json.dumps({"target": target}), content_type="application/json")
    yield tube
    tube.die()


@pytest.fixture
def url(server: Server) -> str:
    """Of a cassette that is not there yet."""
    return server.fresh()


@pytest.fixture
def recorded(url: str) -> str:
    """The same, with one exchange of every kind."""
    with closing(CassetteWriter(places.named(url), RedactionRules.default())) as writer:
        for exchange in samples.exchanges():
            writer.add(exchange)
    return url


def targets(url: str) -> list[str]:
    """Of the exchanges in the cassette."""
    return [line.split()[-1] for line in run("ls", url).stdout.splitlines()]


def refused(command: str, tube: Tube, url: str, **environment: str) -> str:
    """What a command that records says, which cannot."""
    arguments = [command, "--upstream", tube.url, "--cassette", url, "--listen", "127.0.0.1:0"]
    return one_sentence(CliRunner().invoke(cli, arguments, env=environment))


def test_recorded_live_and_away(peertape: Callable[..., Peertape], tube: Tube, url: str) -> None:
    recorder = peertape("record", "--upstream", tube.url, "--cassette", url)
    assert recorder.ask(f"GET {CONFIG}")[0].status == 200
    for command in ("record", "proxy"):
        assert "is being recorded into by another process" in refused(command, tube, url)
    assert recorder.stop() == 0, recorder.said
    assert "1 new recordings" in recorder.said
    assert targets(url) == [CONFIG]
    proxy = peertape("proxy", "--upstream", tube.url, "--cassette", url)
    assert proxy.ask(f"GET {ABOUT}")[0].get("peertape-source") == "live"
    tube.die()
    assert proxy.ask(f"GET {CONFIG}")[0].get("peertape-source") == "recorded; exchange=1"
    assert proxy.stop() == 0, proxy.said
    assert targets(url) == [CONFIG, ABOUT, CONFIG]  # that it failed is kept as well


def test_a_wrong_password(server: Server, tube: Tube) -> None:
    url = server.url("mine", user=GUARDED)
    for command in ("record", "proxy"):
        said = refused(command, tube, url, PGPASSWORD="battery-staple")
        assert "the server refuses the login" in said
        assert "battery-staple" not in said


def test_a_server_that_is_started_anew_while_it_is_recorded_into(
    peertape: Callable[..., Peertape], server: Server, tube: Tube, url: str
) -> None:
    """What was committed stays; that nothing more is kept is said at once, and is the exit code."""
    recorder = peertape("record", "--upstream", tube.url, "--cassette", url)
    recorder.ask(f"GET {CONFIG}")
    wait_for(lambda: targets(url))
    server.control("restart")
    assert recorder.ask(f"GET {ABOUT}")[0].status == 200
    wait_for(lambda: "RECORDING STOPPED: " in recorder.said or None)
    assert recorder.stop() == 2
    assert "the connection to the server was lost" in recorder.said
    assert "Traceback" not in recorder.said
    assert targets(url) == [CONFIG]


@pytest.mark.parametrize("lane", ["replay", "serve"])
def test_a_server_that_goes_away_while_it_is_played(
    peertape: Callable[..., Peertape], server: Server, recorded: str, lane: str
) -> None:
    app = peertape(lane, recorded, "--limits", "off")
    server.control("stop")
    try:
        head, body = app.ask(f"GET {VIDEOS}")
        problem: dict[str, Any] = json.loads(body)
        assert (head.status, head.get("peertape-source")) == (503, "miss; cassette=lost")
        assert problem["type"] == "urn:peertape:cassette"
        assert "the server cannot be reached" in problem["detail"]
        assert (head.get("retry-after"), head.get("access-control-allow-origin")) == ("1", "*")
        secret, _ = app.ask(f"GET {VIDEOS}?token=zebra\nAuthorization: Bearer zebra")
        assert (secret.status, secret.get("peertape-source")) == (503, "miss; cassette=lost")
    finally:
        server.control("start")
    assert app.ask(f"GET {VIDEOS}")[0].status == 200
    assert app.stop() == 0
    assert "Traceback" not in app.said
    assert "zebra" not in app.said
    assert app.said.count("Who asks gets a 503 meanwhile.") == 1


def test_no_password_is_shown(recorded: str) -> None:
    result = run("show", recorded.replace("postgres@", "postgres:hush-hush@"), "99999")
    assert "There is no exchange 99999" in result.stderr
    assert "hush" not in result.output
