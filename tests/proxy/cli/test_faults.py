"""Slow and broken on demand, on real connections."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.process import Peertape, recorded, wait_for
from support.tube import Tube
from support.wire import Head, Wire

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, Timing
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter
from peertape.proxy.cli.root import cli

TOKEN = "the-control-token"
FILM = bytes(range(256)) * 16 * 1024  # 4 MiB: more than mitmproxy may hold
TEXT = b"0123456789"
PATHS = {"/text": TEXT, "/film": FILM, "/slow": TEXT, "/empty": b""}
SOON = 0.001  # seconds that answers took when they were recorded
NEVER = 3000.0  # seconds of a delay that no test waits for


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    path = tmp_path / "c.cassette"
    writer = CassetteWriter(path, RedactionRules.default(), upstream="https://tube.example")
    for target, content in PATHS.items():
        request = RecordedRequest(
            "GET", target, "https", "tube.example", "HTTP/1.1", Headers((("Host", "tube.example"),))
        )
        headers = Headers((("Content-Type", "video/mp4"), ("Content-Length", str(len(content)))))
        response = RecordedResponse(200, "OK", "HTTP/1.1", headers, BytesBody(content))
        answered = NEVER if target == "/slow" else SOON
        writer.add(Exchange(request, response, Timing(0.0, 0.0, answered, answered)))
    writer.close()
    return path


@pytest.fixture
def replay(peertape: Callable[..., Peertape], cassette: Path) -> Callable[..., Peertape]:
    def start(*options: str) -> Peertape:
        return peertape("replay", cassette, *options, environment={"PEERTAPE_TOKEN": TOKEN})

    return start


@pytest.fixture
def tube() -> Iterator[Tube]:
    instance = Tube()
    for target, content in PATHS.items():
        instance.says(f"GET {target}", content, content_type="video/mp4")
        instance.says(f"POST {target}", "uploaded")
    yield instance
    instance.die()


@pytest.fixture
def proxy(peertape: Callable[..., Peertape], tube: Tube) -> Callable[..., Peertape]:
    def start(*options: str) -> Peertape:
        return peertape("proxy", "--upstream", tube.url, *options, environment={"PEERTAPE_TOKEN": TOKEN})

    return start


def begin(app: Peertape, target: str, *fields: str) -> Wire:
    """Sends a request on a connection of its own, and does not wait."""
    wire = app.connect()
    wire.send("\r\n".join([f"GET {target} HTTP/1.1", f"Host: 127.0.0.1:{app.port}", *fields, "", ""]))
    return wire


def ended(wire: Wire) -> bool | None:
    """None while nothing comes; True for a reset, False for an orderly end."""
    try:
        assert wire.socket.recv(1) == b""
    except ConnectionResetError:
        return True
    return False


def journal(app: Peertape) -> list[tuple[str, str, int, str]]:
    entries = json.loads(app.ask("GET /__peertape__/journal")[1])["entries"]
    return [(entry["method"], entry["target"], entry["status"], entry["answer"]) for entry in entries]


def source(head: Head) -> str | None:
    return head.get("peertape-source")


def test_a_status_strikes_twice_and_heals(replay: Callable[..., Peertape]) -> None:
    app = replay("--fault", "503*2@GET /text")
    answers = [app.ask("GET /text") for _ in range(3)]
    assert [head.status for head, _ in answers] == [503, 503, 200]
    assert source(answers[0][0]) == "fault; name=503"
    assert answers[0][0].get("access-control-allow-origin") == "*"
    assert app.stop() == 0
    assert "3 answers: 2 fault, 1 recorded" in app.said
    assert "seed" not in app.said


def test_strictness_may_leave_out_faults(replay: Callable[..., Peertape]) -> None:
    app = replay("--fault", "reset*1", "--strict=recorded")
    with pytest.raises(EOFError):
        app.ask("GET /text")
    assert app.ask("GET /text")[1] == TEXT
    assert app.stop() == 1
    assert "not strict: 1 fault" in app.said


@pytest.mark.parametrize("target", ["/text", "/film"])
def test_reset(replay: Callable[..., Peertape], target: str) -> None:
    app = replay("--fault", "reset*1")
    assert ended(begin(app, target)) is True
    assert app.ask(f"GET {target}")[1] == PATHS[target]
    assert journal(app)[0] == ("GET", target, 0, "fault; name=reset")


def test_reset_of_a_big_upload(replay: Callable[..., Peertape]) -> None:
    app = replay("--fault", "reset*1")
    wire = app.connect()
    wire.send(f"POST /text HTTP/1.1\r\nHost: 127.0.0.1:{app.port}\r\nContent-Length: 9000000\r\n\r\n")
    wire.send(b"x" * 9_000_000)
    assert ended(wire) is True


@pytest.mark.parametrize("target", ["/text", "/film"])
def test_cut_body(replay: Callable[..., Peertape], target: str) -> None:
    app = replay("--fault", "cut-body*1")
    whole = PATHS[target]
    wire = begin(app, target)
    head = wire.head()
    assert (head.status, head.get("content-length"), head.get("content-type")) == (200, str(len(whole)), "video/mp4")
    assert re.fullmatch(r"fault; exchange=\d+; name=cut-body", source(head) or "")
    assert wire.rest() == whole[: len(whole) // 2]
    assert app.ask(f"GET {target}")[1] == whole


@pytest.mark.parametrize("target", ["/text", "/film"])
def test_a_stalled_answer_blocks_nobody_else(replay: Callable[..., Peertape], target: str) -> None:
    app = replay("--fault", f"stall@{target}")
    whole = PATHS[target]
    wires = [begin(app, target) for _ in range(8)]
    for wire in wires:
        assert wire.head().get("content-length") == str(len(whole))
        assert wire.exactly(len(whole) // 2) == whole[: len(whole) // 2]
    other = next(path for path in ("/text", "/film") if path != target)
    assert app.ask(f"GET {other}")[1] == PATHS[other]
    for wire in wires:
        wire.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            wire.socket.recv(1)
    assert app.stop() == 0
    assert "8 fault" in app.said
    assert "Traceback" not in app.said


def test_a_client_that_gives_up_on_a_stalled_answer(replay: Callable[..., Peertape]) -> None:
    app = replay("--fault", "stall*1")
    wire = begin(app, "/text")
    wire.head()
    wire.close()
    assert app.ask("GET /text")[1] == TEXT
    assert app.stop() == 0
    assert "Traceback" not in app.said


def test_a_delayed_answer_comes_after_one_that_was_asked_later(replay: Callable[..., Peertape]) -> None:
    app = replay("--latency", "recorded")
    slow = begin(app, "/slow")
    wait_for(lambda: [entry for entry in journal(app) if entry[1] == "/slow"])
    assert app.ask("GET /text")[1] == TEXT
    slow.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        slow.socket.recv(1)
    assert app.stop() == 0  # at once, although an answer is due in an hour
    assert "Traceback" not in app.said


def test_a_delay_passes(replay: Callable[..., Peertape]) -> None:
    app = replay("--latency", "lognormal(2ms,0.5)", "--seed", "5")
    assert [app.ask(f"GET {target}")[1] for target in ("/text", "/film", "/empty")] == [TEXT, FILM, b""]
    big = app.ask("POST /text", b"x" * 9_000_000)[0]
    assert big.status >= 400


def test_a_drawn_seed_is_printed_and_repeats_the_run(replay: Callable[..., Peertape]) -> None:
    def statuses(app: Peertape) -> list[int]:
        return [app.ask("GET /text")[0].status for _ in range(40)]

    first = replay("--fault", "503=0.5")
    once = statuses(first)
    first.stop()
    found = re.search(r"--seed (\d+) repeats it", first.said)
    assert found
    second = replay("--fault", "503=0.5", "--seed", found[1])
    assert statuses(second) == once
    assert set(once) == {200, 503}


def test_a_session_breaks_and_heals_through_the_control_api(replay: Callable[..., Peertape]) -> None:
    app = replay()
    told = app.control("faults", TOKEN, {"faults": ["404*1"], "latency": "1ms", "seed": 7})
    assert told == {
        "session": "default",
        "faults": [{"fault": "404*1", "struck": 0, "left": 1}],
        "latency": "1ms",
        "seed": 7,
    }
    assert app.ask("GET /text\nPeertape-Session: other")[0].status == 200
    assert [app.ask("GET /text")[0].status for _ in range(2)] == [404, 200]
    assert json.loads(app.ask("GET /__peertape__/faults")[1])["faults"] == [{"fault": "404*1", "struck": 1, "left": 0}]
    app.control("faults", TOKEN, {"faults": ["503"], "latency": "3000s"})
    assert app.control("faults", TOKEN, {"faults": [], "latency": "none"})  # control itself is neither slow nor broken
    assert app.ask("GET /text")[0].status == 200


def test_wrong_words_are_wrong_usage(cassette: Path) -> None:
    for option, value, sentence in [
        ("--fault", "slow", "fault: 'slow' is no fault"),
        ("--latency", "fast", "latency: 'fast' is no latency"),
        ("--seed", "-1", "seed: Input should be"),
    ]:
        done = CliRunner().invoke(cli, ["replay", str(cassette), option, value])
        assert (done.exit_code, sentence in done.output) == (2, True), done.output


@pytest.mark.parametrize("name", ["503", "expired-token", "reset", "cut-body", "stall"])
def test_the_instance_and_the_recording_do_not_notice(tube: Tube, proxy: Callable[..., Peertape], name: str) -> None:
    app = proxy("--fault", f"{name}*2@/api/v1/videos", "--latency", "1ms")
    wire = begin(app, "/api/v1/videos", "Authorization: Bearer t")
    if name == "reset":
        assert ended(wire) is True
    else:
        head = wire.head()
        assert (source(head) or "").startswith("fault; ")
        if name in ("cut-body", "stall"):
            length = int(head.get("content-length") or 0)
            assert len(wire.exactly(length // 2)) == length // 2
            wire.close()
    assert tube.asked == []
    assert app.ask("GET /text")[1] == TEXT
    recorded(app.cassette, "/text")
    assert [head.start for head in tube.asked] == ["GET /text HTTP/1.1"]
    assert app.stop() == 0
    with closing(Cassette(app.cassette)) as cassette:
        assert [candidate.target for candidate in cassette.candidates()] == ["/text"]
    assert "1 fault" in app.said
    assert "1 new recordings" in app.said
    assert "Traceback" not in app.said


def test_a_recorded_body_is_cut_without_asking_the_instance(tube: Tube, proxy: Callable[..., Peertape]) -> None:
    app = proxy()
    assert app.ask("GET /film")[1] == FILM
    recorded(app.cassette, "/film")
    app.control("faults", TOKEN, {"faults": ["cut-body*1"]})
    wire = begin(app, "/film")
    assert wire.head().get("content-length") == str(len(FILM))
    assert wire.rest() == FILM[: len(FILM) // 2]
    assert len(tube.asked) == 1
    assert app.ask("GET /film")[1] == FILM
    assert len(tube.asked) == 2


@pytest.mark.parametrize("name", ["503", "reset"])
def test_a_big_upload_that_is_struck_does_not_reach_the_instance(
    tube: Tube, proxy: Callable[..., Peertape], name: str
) -> None:
    app = proxy("--fault", f"{name}*1")
    octets = b"x" * 9_000_000
    if name == "reset":
        with pytest.raises((EOFError, OSError)):
            app.ask("POST /film", octets)
    else:
        assert app.ask("POST /film", octets)[0].status == 503
    assert tube.asked == []
    head, body = app.ask("POST /film", octets)
    assert (head.status, body, source(head)) == (200, b"uploaded", "live")


def test_the_recording_is_as_slow_as_it_was_while_the_instance_is_away(
    tube: Tube, proxy: Callable[..., Peertape]
) -> None:
    app = proxy("--latency", "recorded", "--fault", "503*1@/none")
    assert app.ask("GET /text")[1] == TEXT
    recorded(app.cassette, "/text")
    tube.die()
    head, body = app.ask("GET /text")
    assert (body, (source(head) or "").partition(";")[0]) == (TEXT, "recorded")
    head, _ = app.ask("GET /none")
    assert source(head) == "fault; name=503"
    assert [entry[3].partition(";")[0] for entry in journal(app)] == ["live", "recorded", "fault"]


def test_through_the_forward_proxy(replay: Callable[..., Peertape]) -> None:
    app = replay("--fault", "reset*1", "--fault", "cut-body*1", "--forward", "127.0.0.1:0")

    def begin_forward() -> Wire:
        wire = app.connect(forward=True)
        wire.send("GET http://tube.example/text HTTP/1.1\r\nHost: tube.example\r\n\r\n")
        return wire

    assert ended(begin_forward()) is True
    wire = begin_forward()
    wire.head()
    assert wire.rest() == TEXT[:5]
