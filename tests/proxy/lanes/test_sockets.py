"""Sockets of a replay, by hand: what goes over the wire, and what stands in the journal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import conversations as talks
from support import samples
from support.conversations import NAMESPACE, TOKEN, notification
from support.process import Peertape, wait_for
from support.sockets import Poller, Socket, opened, upgrade
from wsproto.events import BytesMessage, TextMessage

CONTROL = "control-token"
JOIN = f"40{NAMESPACE},"
WITH_TOKEN = f"&accessToken={TOKEN}"
SOCKET = "/socket.io/?EIO=4&transport=websocket"


@pytest.fixture
def replay(peertape: Callable[..., Peertape], tmp_path: Path) -> Callable[..., Peertape]:
    tape = samples.record(tmp_path / "talks.cassette", talks.exchanges())

    def start(*arguments: str) -> Peertape:
        return peertape("replay", tape, "--limits", "off", *arguments, environment={"PEERTAPE_TOKEN": CONTROL})

    return start


@pytest.fixture(scope="module", params=["replay", "serve", "serve --workers 2"])
def started(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peertape]:
    folder = tmp_path_factory.mktemp("sockets")
    tape = samples.record(folder / "talks.cassette", talks.exchanges())
    arguments = (*request.param.split(), tape, "--limits", "off", "--listen", "127.0.0.1:0")
    app = Peertape(folder, *arguments, environment={"PEERTAPE_TOKEN": CONTROL})
    yield app
    app.stop()


@pytest.fixture
def app(started: Peertape) -> Iterator[Peertape]:
    """One process for all that only need a session at its start."""
    started.control("reset", CONTROL)
    yield started
    started.hang_up()


@pytest.fixture
def _proxy_lane(request: pytest.FixtureRequest) -> None:
    if request.node.callspec.params["started"].startswith("serve"):
        pytest.skip("granian sends no headers with 101, no empty close frames, and always an answer")


def joined(app: Peertape, credentials: str = WITH_TOKEN, host: str | None = None) -> Socket:
    socket = opened(app, SOCKET + credentials, host=host)
    assert socket.text().startswith("0{")
    socket.send(JOIN)
    return socket


def journal(app: Peertape) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(app.ask("GET /__peertape__/journal")[1])["entries"]
    return entries


class TestNotifications:
    @pytest.mark.usefixtures("_proxy_lane")
    def test_over_a_websocket(self, app: Peertape) -> None:
        socket = opened(app, SOCKET + WITH_TOKEN)
        assert socket.head.get("peertape-source") == "recorded; exchange=2"
        told = json.loads(socket.text()[1:])
        assert told == {"sid": told["sid"], **talks.OPENING, "upgrades": []}
        socket.send(JOIN)
        welcome = socket.text()
        assert welcome.startswith(JOIN + '{"sid":"')
        assert '"x"' not in welcome
        app.control("clock", CONTROL, {"advance": 29.9})
        socket.send(f'42{NAMESPACE},["anything"]')
        app.control("clock", CONTROL, {"advance": 0.1})
        assert socket.text() == f"42{NAMESPACE},{rehosted(app, notification(1))}"
        socket.close()

    def test_over_polls(self, app: Peertape) -> None:
        poller = Poller(app, WITH_TOKEN)
        assert poller.head.get("cache-control") == "no-store"
        assert poller.head.get("set-cookie") is not None
        assert poller.opening["upgrades"] == ["websocket"]
        waiting = poller.hold()
        head, body = poller.post(JOIN)
        assert (head.get("content-type"), body) == ("text/html", b"ok")
        assert waiting().startswith(JOIN + '{"sid":"')
        waiting = poller.begin()
        assert app.ask("GET /api/v1/users/me")[0].status == 401  # a held poll keeps nobody else waiting
        app.control("clock", CONTROL, {"advance": 30})
        assert waiting() == f"42{NAMESPACE},{rehosted(app, notification(1))}"

    def test_by_the_recorded_host_nothing_is_changed(self, app: Peertape) -> None:
        socket = joined(app, host="tube.example")
        socket.text()
        app.control("clock", CONTROL, {"advance": 30})
        assert socket.text() == f"42{NAMESPACE},{notification(1)}"
        socket.close()

    def test_one_after_the_other_and_anew_after_a_reset(self, app: Peertape) -> None:
        def received() -> str:
            socket = joined(app)
            socket.text()
            app.control("clock", CONTROL, {"advance": 60})
            told = socket.text()
            socket.close()
            return told

        first, second = received(), received()
        assert (notification(1) in first, notification(2) in second) == (False, False)  # links lead here
        assert ('"id":1' in first, '"id":2' in second) == (True, True)
        app.control("reset", CONTROL)
        assert received() == first

    def test_a_session_of_its_own(self, app: Peertape) -> None:
        socket = joined(app, host=f"t1.localhost:{app.port}")
        socket.text()
        app.control("clock", CONTROL, {"advance": 60})
        poller = Poller(app, WITH_TOKEN)
        poller.post(JOIN)
        assert poller.poll().startswith(JOIN)
        socket.send(f'42{NAMESPACE},["x"]')
        app.ask(
            f"POST /__peertape__/clock\nPeertape-Session: t1\nAuthorization: Bearer {CONTROL}\n"
            "Content-Type: application/json",
            b'{"advance": 60}',
        )
        assert '"id":1' in socket.text()
        socket.close()

    def test_a_clock_that_stands_still_holds_them(self, app: Peertape) -> None:
        app.control("clock", CONTROL, {"freeze": True})
        socket = joined(app)
        assert socket.text().startswith(JOIN)  # an answer waits for no clock
        app.control("clock", CONTROL, {"advance": 29})
        app.control("clock", CONTROL, {"freeze": False})
        assert '"id":1' in socket.text()
        socket.close()

    def test_without_delays(self, replay: Callable[..., Peertape]) -> None:
        socket = joined(replay("--message-delay", "none"))
        assert socket.text().startswith(JOIN)
        assert '"id":1' in socket.text()
        socket.close()

    def test_with_a_factor(self, replay: Callable[..., Peertape]) -> None:
        socket = joined(replay("--message-delay", "0.001"))
        assert socket.text().startswith(JOIN)
        assert '"id":1' in socket.text()
        socket.close()

    @pytest.mark.parametrize(
        ("credentials", "answer", "source"),
        [
            (f"&accessToken={talks.WRONG}", "Recorded as wrong.", "recorded"),
            ("&accessToken=another", "Invalid access token.", "emulated"),
            ("", "No access token provided", "emulated"),
        ],
    )
    def test_who_is_not_let_in(self, app: Peertape, credentials: str, answer: str, source: str) -> None:
        socket = joined(app, credentials)
        assert socket.text() == f'44{NAMESPACE},{{"message":"{answer}"}}'
        socket.close()
        (entry,) = (entry for entry in journal(app) if entry["method"] == "SOCKET.IO")
        assert (entry["target"], entry["status"], entry["source"]) == (NAMESPACE, 403, source)

    def test_a_revoked_token(self, app: Peertape) -> None:
        form = talks.credentials("bob")
        kind = "Content-Type: application/x-www-form-urlencoded"
        token = json.loads(app.ask(f"POST /api/v1/users/token\n{kind}", form.encode())[1])["access_token"]
        socket = joined(app, f"&accessToken={token}")
        assert socket.text().startswith(JOIN + '{"sid"')
        socket.close()
        app.control("clock", CONTROL, {"advance": 90_000})
        socket = joined(app, f"&accessToken={token}")
        assert socket.text() == f'44{NAMESPACE},{{"message":"Invalid access token."}}'
        socket.close()


def settle(socket: Socket) -> None:
    """What was sent before has been heard, and what is due has come."""
    socket.send("40/nothing,")
    assert socket.text() == '44/nothing,{"message":"Invalid namespace"}'


def rehosted(app: Peertape, text: str) -> str:
    return text.replace(talks.ORIGIN, app.url)


def test_a_live_for_a_user_of_whom_no_live_was_recorded(app: Peertape) -> None:
    socket = opened(app, SOCKET + WITH_TOKEN)
    socket.text()
    socket.send("40/live-videos,")
    assert socket.text().startswith('40/live-videos,{"sid":"')
    socket.send('42/live-videos,["subscribe",{"videoId":28}]')
    settle(socket)
    app.control("clock", CONTROL, {"advance": 60})
    assert socket.text() == '42/live-videos,["state-change",{"state":4}]'
    assert socket.text() == '42/live-videos,["state-change",{"state":1}]'
    socket.send('42/live-videos,["subscribe",{"videoId":28}]')
    socket.send('42/live-videos,["unsubscribe",{"videoId":28}]')
    socket.send('42/live-videos,["unsubscribe",{"videoId":29}]')
    socket.ping(b"still there")
    assert socket.pong() == b"still there"
    settle(socket)
    app.control("clock", CONTROL, {"advance": 60})
    settle(socket)
    socket.close()
    entry = next(entry for entry in journal(app) if entry["target"] == "/live-videos")
    assert (entry["identity"], entry["answer"]) == ("user:bob", "recorded; exchange=8; as=anonymous")


class TestTransport:
    def test_the_upgrade(self, app: Peertape) -> None:
        poller = Poller(app, WITH_TOKEN)
        poller.post(JOIN)
        assert poller.poll().startswith(JOIN)
        socket = opened(app, f"{SOCKET}{WITH_TOKEN}&sid={poller.sid}")
        waiting = poller.begin()
        socket.send("2probe")
        assert socket.text() == "3probe"
        assert waiting() == "6"
        socket.send("5")
        app.control("clock", CONTROL, {"advance": 60})
        assert '"id":1' in socket.text()
        assert poller.get(f"/socket.io/?EIO=4&transport=polling&sid={poller.sid}")[0].status == 400
        socket.close()

    @pytest.mark.parametrize(
        ("target", "code", "message"),
        [
            ("/socket.io/?EIO=4&transport=polling&sid=nobody", 1, "Session ID unknown"),
            ("/socket.io/?EIO=3&transport=polling", 5, "Unsupported protocol version"),
            ("/socket.io/?EIO=4&transport=pigeon", 0, "Transport unknown"),
            ("/socket.io/?EIO=4&transport=websocket", 3, "Bad request"),
        ],
    )
    def test_what_is_refused(self, app: Peertape, target: str, code: int, message: str) -> None:
        head, body = app.ask(f"GET {target}")
        assert (head.status, json.loads(body)) == (400, {"code": code, "message": message})

    def test_a_client_that_says_goodbye(self, app: Peertape) -> None:
        poller = Poller(app)
        waiting = poller.hold()
        assert poller.post("1")[1] == b"ok"
        assert waiting() == "6"
        assert poller.get(f"/socket.io/?EIO=4&transport=polling&sid={poller.sid}")[0].status == 400

    def test_a_client_that_hangs_up_while_it_waits(self, app: Peertape) -> None:
        poller = Poller(app)
        wire = app.connect()
        wire.send(f"GET /socket.io/?EIO=4&transport=polling&sid={poller.sid} HTTP/1.1\r\nHost: x\r\n\r\n")
        wire.abort()

        def is_forgotten() -> bool | None:
            return poller.post('42["x"]')[0].status == 400 or None

        assert wait_for(is_forgotten)

    def test_a_post_that_is_too_large(self, app: Peertape) -> None:
        assert Poller(app).post("4" + "x" * 1_000_000)[0].status == 413

    def test_the_recorded_polls_themselves(self, app: Peertape) -> None:
        base = f"/socket.io/?accessToken={TOKEN}&EIO=4&transport=polling"
        head, body = app.ask(f"GET {base}&t=c1&sid=polled-sid")
        assert (head.get("peertape-source"), body.decode()) == (
            "recorded; exchange=6",
            f"42{NAMESPACE},{rehosted(app, notification(2))}",
        )


class TestTracker:
    @pytest.mark.usefixtures("_proxy_lane")
    def test_an_announce_of_another_peer(self, app: Peertape) -> None:
        socket = opened(app, "/tracker/socket")
        assert socket.head.get("peertape-source") == "recorded; exchange=9"
        socket.send(talks.announce(peer_id="-PT0001-zzzzzzzzzzzz", numwant=5, offers=[{"offer_id": "mine"}]))
        assert json.loads(socket.text())["incomplete"] == 2
        app.control("clock", CONTROL, {"advance": 10})
        assert json.loads(socket.text())["offer_id"] == "o"
        socket.send(talks.announce(event="completed"))
        assert json.loads(socket.text())["incomplete"] == 2
        socket.close()

    def test_torrents_that_were_not_recorded_have_no_peers(self, app: Peertape) -> None:
        socket = opened(app, "/tracker/socket")
        torrent = "\u00e9" * 20
        socket.send(talks.announce(torrent, left=0))
        assert json.loads(socket.text()) == {
            "complete": 1,
            "incomplete": 0,
            "action": "announce",
            "interval": 120,
            "info_hash": torrent,
        }
        socket.send(json.dumps({"action": "dance"}))
        assert json.loads(socket.text()) == {"failure reason": "invalid action in WS request: dance"}
        socket.send(json.dumps({"action": "announce"}))
        assert json.loads(socket.text()) == {"failure reason": "invalid info_hash"}
        socket.send("{")
        assert "JSON" in json.loads(socket.text())["failure reason"]
        socket.send(json.dumps({"action": "scrape", "info_hash": torrent}))
        assert json.loads(socket.text())["files"] == {torrent: {"complete": 0, "incomplete": 0, "downloaded": 0}}
        socket.close()

    @pytest.mark.usefixtures("_proxy_lane")
    def test_who_asks_for_an_unknown_torrent_is_kept_out_for_a_while(self, app: Peertape) -> None:
        socket = opened(app, "/tracker/socket")
        socket.send(talks.announce(talks.STRANGE))
        assert json.loads(socket.text())["failure reason"] == talks.REFUSAL
        assert socket.closed() == 1005
        assert upgrade(app, "/tracker/socket")[1].status == 403
        app.control("clock", CONTROL, {"advance": 180})
        opened(app, "/tracker/socket").close()

    @pytest.mark.usefixtures("_proxy_lane")
    def test_a_query_is_no_tracker(self, app: Peertape) -> None:
        with pytest.raises(EOFError):
            upgrade(app, "/tracker/socket?x")


class TestOthers:
    def test_a_plugin_whose_language_nobody_knows(self, app: Peertape) -> None:
        socket = opened(app, "/plugins/chat/1.0.0/ws/room?id=5")
        assert socket.text() == "welcome"
        socket.send("hello 2")
        assert socket.text() == "hello yourself"
        socket.send("bye")
        assert socket.closed() == 4001
        assert upgrade(app, "/plugins/chat/1.0.0/ws/room?id=6")[1].status == 501

    @pytest.mark.usefixtures("_proxy_lane")
    @pytest.mark.parametrize("target", ["/no/such/socket", "/api/v1/videos"])
    def test_an_upgrade_that_nobody_answers(self, app: Peertape, target: str) -> None:
        with pytest.raises(EOFError):
            upgrade(app, target)
        assert journal(app)[-1]["source"] == "emulated"

    def test_a_handshake_that_is_none(self, app: Peertape) -> None:
        wire = app.connect()
        wire.send("GET /tracker/socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        assert wire.head().status == 400
        opened(app, "/tracker/socket").close()

    def test_fragments_and_large_messages(self, app: Peertape) -> None:
        socket = opened(app, "/tracker/socket")
        text = talks.announce(padding="x" * 3_000_000)
        for place in range(0, len(text), 1_000_000):
            is_last = place + 1_000_000 >= len(text)
            socket.send_event(TextMessage(text[place : place + 1_000_000], message_finished=is_last))
        assert json.loads(socket.text())["incomplete"] == 2
        socket.send_event(BytesMessage(b"\x00" * 1_000_000))
        assert "JSON" in json.loads(socket.text())["failure reason"]
        socket.close()

    def test_a_thousand_messages(self, app: Peertape) -> None:
        socket = opened(app, "/tracker/socket")
        for _ in range(1000):
            socket.send(talks.announce(event="stopped"))
        assert {json.loads(socket.text())["incomplete"] for _ in range(1000)} == {0}
        socket.close()
        wait_for(lambda: journal(app)[0]["ended"])
        assert journal(app)[0]["messages"] == {"sent": 1000, "received": 1000, "unmatched": 0}


def test_a_reset_closes_what_is_open(app: Peertape) -> None:
    socket, tracker, poller = joined(app), opened(app, "/tracker/socket"), Poller(app)
    assert socket.text().startswith(JOIN)
    waiting = poller.hold()
    app.control("reset", CONTROL)
    assert (socket.closed(), tracker.closed(), waiting()) == (1012, 1012, "6")
    assert poller.post(JOIN)[0].status == 400


def test_the_end_waits_for_nobody(peertape: Callable[..., Peertape], tmp_path: Path) -> None:
    """Also not for a poll that has only just come, and would be answered in an hour."""
    tape = samples.record(tmp_path / "talks.cassette", talks.exchanges(beat=3_600_000))
    app = peertape("replay", tape, "--limits", "off")
    socket, poller = joined(app), Poller(app, WITH_TOKEN)
    assert socket.text().startswith(JOIN)
    poller.begin()
    assert app.stop() == 0
    assert "defect" not in app.said


def test_what_was_not_recorded_is_a_miss_if_nothing_is_emulated(replay: Callable[..., Peertape]) -> None:
    app = replay("--on-miss", "error", "--strict")
    assert upgrade(app, "/no/such/socket")[1].status == 501
    socket = opened(app, SOCKET)
    socket.text()
    socket.send("40/nothing,")
    assert socket.text() == '44/nothing,{"message":"peertape: not recorded"}'
    socket.close()
    assert app.stop() == 1


def test_the_journal_tells_of_a_socket_when_it_opens_and_when_it_ends(
    replay: Callable[..., Peertape], tmp_path: Path
) -> None:
    app = replay("--journal", str(tmp_path / "journal.jsonl"))
    socket = opened(app, "/tracker/socket")
    socket.send(talks.announce())
    socket.text()
    socket.close()

    def told() -> list[dict[str, Any]] | None:
        lines = (tmp_path / "journal.jsonl").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines] if len(lines) == 2 else None

    first, last = wait_for(told)
    assert (first["ended"], last["ended"]) == (False, True)
    assert last["messages"] == {"sent": 1, "received": 1, "unmatched": 0}
    assert app.stop() == 0
    assert "1 answer" in app.said
