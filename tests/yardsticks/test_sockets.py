"""A socket.io client gets the recorded notification from a replay of `websocket.mitm`; and the rest of that session."""

from __future__ import annotations

import queue
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import clients
from support.process import PROGRAM, Peertape
from support.wire import PATIENCE

SHARED = Path(__file__).parents[2].parent / "shared"
RECORDING = SHARED / "recordings" / "websocket.mitm"
TOKEN = "74400577faf5838afe8ce27667ba686390b7db4c"  # bob's, as it was recorded

pytestmark = pytest.mark.skipif(not RECORDING.exists(), reason="the recordings lie beside the project's own workplace")


@pytest.mark.parametrize("transports", [["polling", "websocket"], ["websocket"], ["polling"]], ids=" then ".join)
def test_a_client_gets_the_recorded_notification(
    peertape: Callable[..., Peertape], tmp_path: Path, transports: list[str]
) -> None:
    clients.module("socketio")
    import socketio

    tape = tmp_path / "websocket.cassette"
    subprocess.run([PROGRAM, "cassette", "import", tape, RECORDING], check=True, capture_output=True)
    app = peertape("replay", tape, "--strict=recorded")
    client, came = socketio.Client(), queue.Queue[tuple[str, object]]()
    client.on("new-notification", lambda told: came.put(("notification", told["id"])), namespace="/user-notifications")
    client.on("state-change", lambda told: came.put(("state", told["state"])), namespace="/live-videos")
    namespaces = ["/user-notifications", "/live-videos"]
    client.connect(f"{app.url}?accessToken={TOKEN}", namespaces=namespaces, transports=transports)
    client.emit("subscribe", {"videoId": 28}, namespace="/live-videos")
    assert came.get(timeout=PATIENCE) == ("notification", 161)
    assert came.get(timeout=PATIENCE) == ("state", 4)  # 14 seconds later, by a clock that nobody moves
    client.disconnect()
    assert app.stop() == 0
