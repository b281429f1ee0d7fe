"""Which recordings answer a client of socket.io, asked in process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from support import conversations as talks
from support import samples
from support.conversations import NAMESPACE, TOKEN, notification

from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, Message
from peertape.cassettes.store import Cassette
from peertape.config.settings import Settings
from peertape.proxy.cli import assembly
from peertape.proxy.control.actions import Actions
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.sockets.model import Close, Content

OTHER = "0a0b0c0d0e" * 4
JOIN = f"40{NAMESPACE},"


@dataclass
class Server:
    """Asked request by request, in one session whose clock stands still."""

    engine: Engine
    session: Session

    def ask(self, method: str, target: str, body: str = "", *headers: tuple[str, str]) -> Answer:
        pairs = (("Host", "tube.example"), *headers)
        return self.engine.answer(Request(method, target, Headers(pairs), body.encode()), self.session)

    def handshake(self, token: str = "", more: str = "") -> str:
        answer = self.ask("GET", base(token) + more)
        assert answer.status == 200
        return str(json.loads(read(answer.body)[1:])["sid"])

    def said(self, sid: str, *packets: str) -> str:
        """What comes at once upon these."""
        if packets:
            self.ask("POST", f"{base()}&sid={sid}", "\x1e".join(packets))
        answer = self.ask("GET", f"{base()}&sid={sid}")
        return read(answer.body).decode() if answer.pending is None else ""

    def socket(self, target: str) -> Answer:
        return self.ask("GET", target, "", ("Upgrade", "websocket"), ("Connection", "keep-alive, Upgrade"))

    def events(self, token: str = "") -> str:
        """What a client gets that joins, within two minutes."""
        sid = self.handshake(token)
        assert self.said(sid, JOIN).startswith(JOIN + '{"sid"')
        self.session.clock.advance(120)
        return self.said(sid)

    @property
    def last(self) -> tuple[str, str]:
        """The source of what the last namespace was played from, and who joined it."""
        entry = next(entry for entry in reversed(self.session.journal.entries) if entry.method == "SOCKET.IO")
        return entry.source_text, entry.identity


def base(token: str = "") -> str:
    return "/socket.io/?EIO=4&transport=polling" + (f"&accessToken={token}" if token else "")


Serve = Callable[..., Server]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(*tapes: Sequence[Exchange], **settings: str) -> Server:
            cassettes = [
                Cassette(samples.record(tmp_path / f"tape{number}.cassette", tape)) for number, tape in enumerate(tapes)
            ]
            chosen = Settings(limits="off", **settings)  # type: ignore[arg-type]
            parts = stack.enter_context(assembly.parts(chosen, cassettes))
            actions = Actions("replay", parts.shelf, parts.sessions, parts.tally)
            session = parts.sessions.get("default")
            session.clock.freeze(True)
            return Server(Engine(parts.replay_stages(lambda: actions)), session)

        yield start


def login(number: int, token: str, user: str = "bob") -> Exchange:
    form = talks.credentials(user).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    tokens = {"access_token": token, "refresh_token": token[::-1]}
    return samples.made(number, "POST", "/api/v1/users/token", 200, tokens, request_headers=kind, request_body=form)


def told(number: int, token: str, event: int) -> Exchange:
    """A recorded notification."""
    said = (f">{JOIN}", f'<{JOIN}{{"sid":"x"}}', (1.0, f"<42{NAMESPACE},{notification(event)}"))
    return talks.joined(number, f"&accessToken={token}" if token else "", *said)


class TestWhoAsks:
    def test_another_token_of_the_same_user(self, serve: Serve) -> None:
        server = serve([login(1, TOKEN), login(2, OTHER), told(3, TOKEN, 1)])
        assert '"id":1' in server.events(OTHER)
        assert server.last == ("recorded; exchange=3", "user:bob")

    def test_the_same_user_in_another_cassette(self, serve: Serve) -> None:
        server = serve([login(1, OTHER)], [login(1, TOKEN), told(3, TOKEN, 1)])
        assert '"id":1' in server.events(OTHER)
        assert server.last == ("recorded; exchange=2; cassette=tape1", "user:bob")

    def test_the_leftmost_cassette_that_knows_the_user(self, serve: Serve) -> None:
        both = [[login(1, TOKEN), told(3, TOKEN, event)] for event in (1, 2)]
        assert '"id":1' in serve(*both).events(TOKEN)

    def test_another_user_connects_and_hears_nothing(self, serve: Serve) -> None:
        server = serve([login(1, TOKEN), login(2, OTHER, "carol"), told(3, TOKEN, 1)])
        assert server.events(OTHER) == ""
        assert server.last == ("emulated; rules=6.3", "user:carol")

    def test_a_recorded_refusal_is_for_that_token_alone(self, serve: Serve) -> None:
        refused = talks.joined(3, f"&accessToken={TOKEN}", f">{JOIN}", f'<44{NAMESPACE},{{"message":"expired"}}')
        server = serve([login(1, TOKEN), login(2, OTHER), refused])
        assert "expired" in server.said(server.handshake(TOKEN), JOIN)
        assert server.events(OTHER) == ""

    def test_a_namespace_for_all_is_played_from_whoever_recorded_it(self, serve: Serve) -> None:
        live = talks.joined(3, f"&accessToken={TOKEN}", ">40/live-videos,", '<40/live-videos,{"sid":"x"}')
        server = serve([login(1, TOKEN), live])
        assert server.said(server.handshake(), "40/live-videos,").startswith("40/live-videos,{")
        assert server.last == ("recorded; exchange=2; as=user:bob", "anonymous")

    def test_a_runner(self, serve: Serve) -> None:
        server = serve([login(1, TOKEN)])
        sid = server.handshake()
        assert server.said(sid, "40/runners,") == '44/runners,{"message":"No runner token provided"}'
        assert server.said(sid, '40/runners,{"runnerToken":"ptrt-1"}').startswith('40/runners,{"sid"')

    def test_the_default_namespace(self, serve: Serve) -> None:
        server = serve([login(1, TOKEN)])
        assert server.said(server.handshake(), "40").startswith('40{"sid":"')


class TestTimeline:
    RECORDED = (login(1, TOKEN), told(10, TOKEN, 1), told(20, TOKEN, 2))

    @pytest.mark.parametrize(("at", "event"), [(15, '"id":1'), (25, '"id":2')])
    def test_the_latest_that_was_known(self, serve: Serve, at: int, event: str) -> None:
        server = serve(self.RECORDED)
        server.session.clock.set(samples.EPOCH + at)
        sid = server.handshake(TOKEN)
        server.said(sid, JOIN)
        server.session.clock.advance(2)
        assert event in server.said(sid)

    def test_before_there_was_any(self, serve: Serve) -> None:
        server = serve(self.RECORDED)
        server.session.clock.set(samples.EPOCH + 5)
        server.handshake(TOKEN)
        assert server.session.journal.entries[-1].source == "emulated"


class TestWrites:
    def test_a_write_that_is_played_raises_what_it_raised(self, serve: Serve) -> None:
        comment = samples.made(30, "POST", "/api/v1/videos/1/comment-threads", 200, {"comment": {"id": 1}})
        said = (f">{JOIN}", f'<{JOIN}{{"sid":"x"}}', (19.9, f"<42{NAMESPACE},{notification(1)}"))
        server = serve([login(1, TOKEN), talks.joined(10, f"&accessToken={TOKEN}", *said), comment])
        sid = server.handshake(TOKEN)
        assert server.said(sid, JOIN).startswith(JOIN)
        server.ask("POST", "/api/v1/videos/1/comment-threads")
        assert '"id":1' in server.said(sid)


class TestHandshakes:
    def test_one_without_a_random_mark_gets_the_recorded_answer_and_its_session(self, serve: Serve) -> None:
        opening = "0" + json.dumps({"sid": "recorded-sid", **talks.OPENING})
        shaken = samples.made(2, "GET", base(), 200, opening.encode(), talks.POLLED)
        server = serve([login(1, TOKEN), shaken])
        answer = server.ask("GET", base())
        assert (answer.source_text, read(answer.body)) == ("recorded; exchange=2", opening.encode())
        assert server.said("recorded-sid", "40").startswith("40{")
        assert server.handshake() != "recorded-sid"  # that one is alive

    def test_a_session_belongs_to_its_session(self, serve: Serve) -> None:
        server = serve([login(1, TOKEN)])
        sid = server.handshake()
        server.session.reset()
        assert server.ask("GET", f"{base()}&sid={sid}").status == 400

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
    def test_other_methods(self, serve: Serve, method: str) -> None:
        server = serve([login(1, TOKEN)])
        assert server.ask(method, base()).status == 400
        assert server.ask(method, f"{base()}&sid=nobody").status == 400
        assert server.ask(method, f"{base()}&sid={server.handshake()}").status == 500

    def test_an_upgrade_of_something_else_is_none(self, serve: Serve) -> None:
        server = serve([login(1, TOKEN)])
        asked = server.ask("GET", "/tracker/socket", "", ("Upgrade", "h2c"), ("Connection", "Upgrade"))
        assert asked.socket is None

    def test_very_many_are_not_kept(self, serve: Serve) -> None:
        server = serve([login(1, TOKEN)])
        first = server.handshake()
        for _ in range(1000):
            server.handshake()
        assert server.ask("GET", f"{base()}&sid={first}").status == 400


class TestSubprotocols:
    @pytest.mark.parametrize(("offered", "chosen"), [("chat, superchat", "superchat"), ("chat", None), ("", None)])
    def test_the_recorded_one_if_it_is_offered(self, serve: Serve, offered: str, chosen: str | None) -> None:
        upgraded = {"Upgrade": "websocket", "Sec-WebSocket-Protocol": "superchat", "Sec-WebSocket-Extensions": "x"}
        server = serve([samples.made(1, "GET", "/plugins/a/1.0.0/ws/b", 101, b"", upgraded)])
        headers = (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Protocol", offered))
        answer = server.ask("GET", "/plugins/a/1.0.0/ws/b", "", *(headers if offered else headers[:2]))
        assert answer.status == 101
        assert answer.headers.get("sec-websocket-protocol") == chosen
        assert "sec-websocket-extensions" not in answer.headers


def drained(answer: Answer) -> list[Content | Close]:
    assert answer.socket is not None
    return list(answer.socket.take())


def test_binary_messages_are_played_as_they_were(serve: Serve) -> None:
    recorded = talks.socket(1, "/plugins/a/1.0.0/ws/b", "<text")
    binary = Message(samples.EPOCH + 2, from_client=False, is_text=False, content=b"\x00\xff")
    server = serve([replace(recorded, messages=(*recorded.messages, binary))])
    answer = server.socket("/plugins/a/1.0.0/ws/b")
    server.session.clock.advance(5)
    assert drained(answer) == ["text", b"\x00\xff"]


def test_nothing_recorded_and_nothing_emulated_is_a_miss(serve: Serve) -> None:
    server = serve([login(1, TOKEN)], on_miss="error")
    assert server.ask("GET", base()).source is Source.MISS
    assert server.socket("/tracker/socket").source is Source.MISS


def test_the_tracker_is_understood_also_after_something_else_was_asked_at_its_path(serve: Serve) -> None:
    server = serve(talks.exchanges())
    assert server.socket("/tracker/socket?x").socket is None
    socket = server.socket("/tracker/socket").socket
    assert socket is not None
    socket.received(talks.announce(talks.STRANGE, peer_id="-PT0001-zzzzzzzzzzzz"))
    assert talks.REFUSAL in str(list(socket.take()))
