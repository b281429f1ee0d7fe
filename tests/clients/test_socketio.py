"""python-socketio, a client as apps use it, against replays: by any transport it gets what was recorded."""

from __future__ import annotations

import json
import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import clients, samples
from support import conversations as talks
from support.conversations import NAMESPACE, TOKEN
from support.process import Peertape, wait_for
from support.wire import PATIENCE

CONTROL = "control-token"
TRANSPORTS = [["polling", "websocket"], ["websocket"], ["polling"]]


@pytest.fixture
def replay(peertape: Callable[..., Peertape], tmp_path: Path) -> Callable[..., Peertape]:
    """`beat`: milliseconds between two pings."""
    clients.module("socketio")

    def start(*arguments: str, beat: int = 25000) -> Peertape:
        tape = samples.record(tmp_path / "talks.cassette", talks.exchanges(beat))
        return peertape("replay", tape, "--strict=recorded", *arguments, environment={"PEERTAPE_TOKEN": CONTROL})

    return start


@pytest.fixture
def app(replay: Callable[..., Peertape]) -> Peertape:
    return replay()


class App:
    """Keeps what comes in, in order."""

    def __init__(self) -> None:
        import socketio

        self.client = socketio.Client(reconnection=False)
        self._came: queue.Queue[tuple[str, Any]] = queue.Queue()

    def listen(self, namespace: str, *events: str) -> None:
        for event in ("connect", *events):
            self.client.on(event, self._keeper(event), namespace=namespace)
        self.client.on("connect_error", lambda told: self._came.put(("connect_error", told)), namespace=namespace)

    def connect(self, app: Peertape, namespace: str, transports: list[str], token: str = "") -> None:
        query = f"?accessToken={token}" if token else ""
        self.client.connect(app.url + query, namespaces=[namespace], transports=transports, wait=False)

    def next(self) -> tuple[str, Any]:
        return self._came.get(timeout=PATIENCE)

    def _keeper(self, event: str) -> Callable[..., None]:
        return lambda *told: self._came.put((event, told[0] if told else None))


@pytest.fixture
def client() -> Iterator[App]:
    clients.module("socketio")
    client = App()
    yield client
    client.client.disconnect()


@pytest.mark.parametrize("transports", TRANSPORTS, ids=" then ".join)
def test_the_recorded_notification(app: Peertape, client: App, transports: list[str]) -> None:
    client.listen(NAMESPACE, "new-notification")
    client.connect(app, NAMESPACE, transports, TOKEN)
    assert client.next() == ("connect", None)
    assert client.client.transport() == transports[-1]
    app.control("clock", CONTROL, {"advance": 30})
    name, told = client.next()
    assert (name, told["id"]) == ("new-notification", 1)
    client.client.disconnect()
    assert app.stop() == 0  # all of it was recorded


@pytest.mark.parametrize("transports", TRANSPORTS, ids=" then ".join)
def test_a_wrong_token(app: Peertape, client: App, transports: list[str]) -> None:
    client.listen(NAMESPACE)
    client.connect(app, NAMESPACE, transports, "wrong")
    assert client.next() == ("connect_error", {"message": "Invalid access token."})


@pytest.mark.parametrize("transports", TRANSPORTS, ids=" then ".join)
def test_the_states_of_a_live(replay: Callable[..., Peertape], client: App, transports: list[str]) -> None:
    app = replay("--message-delay", "0.01")
    client.listen("/live-videos", "state-change")
    client.connect(app, "/live-videos", transports)
    assert client.next() == ("connect", None)
    client.client.emit("subscribe", {"videoId": 28}, namespace="/live-videos")
    assert [client.next(), client.next()] == [("state-change", {"state": 4}), ("state-change", {"state": 1})]


def test_it_stays_connected_over_many_heartbeats(replay: Callable[..., Peertape], client: App) -> None:
    app = replay(beat=150)
    client.listen(NAMESPACE, "new-notification")
    client.connect(app, NAMESPACE, ["polling"], TOKEN)
    assert client.next() == ("connect", None)
    for _ in range(20):
        beats = count(app)
        wait_for(lambda: count(app) > beats or None)  # noqa: B023
    app.control("clock", CONTROL, {"advance": 30})
    assert client.next()[0] == "new-notification"


def count(app: Peertape) -> int:
    return len(json.loads(app.ask("GET /__peertape__/journal")[1])["entries"])
