"""Every recorded session of a real PeerTube, played against its replay: identical, in every order and shape.

The recordings and the yardstick lie beside the project, not in it; without them this is skipped, and the tests of the
engine and of the demo stand for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.postgresql import Server
from support.process import PROGRAM

SHARED = Path(__file__).parents[2].parent / "shared"
FIDELITY = SHARED / "tools" / "fidelity.py"
ELSEWHERE = {"rate-limits"}  # test_limits.py plays it
RECORDINGS = sorted(path for path in SHARED.glob("recordings/*.mitm") if path.stem not in ELSEWHERE)
WAYS = {
    "in order": [],
    "two rounds": ["--rounds", "2"],
    "varied": ["--vary"],
    "shuffled": ["--shuffle", "7"],
    "shuffled and varied": ["--shuffle", "8", "--vary"],
}
TOKEN = "yardstick"

pytestmark = pytest.mark.skipif(
    not FIDELITY.exists(), reason="the recordings lie beside the project's own workplace only"
)


def play(recording: Path, url: str, *way: str) -> tuple[int, str]:
    command = [sys.executable, "-W", "ignore", str(FIDELITY), str(recording), url, *way]
    done = subprocess.run(
        command, env=os.environ | {"PEERTAPE_TOKEN": TOKEN}, capture_output=True, text=True, timeout=250, check=False
    )
    return done.returncode, done.stdout


def imported[Named: (Path, str)](recording: Path, cassette: Named) -> Named:
    subprocess.run([PROGRAM, "cassette", "import", cassette, recording], check=True, capture_output=True)
    return cassette


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_identical(
    recording: Path,
    peertape: Callable[..., Any],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    capsys: Any,
) -> None:
    cassette = imported(recording, tmp_path / "c.cassette")
    replay = peertape("replay", cassette, "--limits", "off", environment={"PEERTAPE_TOKEN": TOKEN})
    figures, failures = [], []
    for name, way in WAYS.items():
        replay.control("reset", TOKEN)
        code, said = play(recording, replay.url, *way)
        last = said.splitlines()[-1]
        figures.append(f"{recording.stem}, {name}: {last}")
        record_property(name, last)
        if code:
            failures.append(said)
    with capsys.disabled():
        print("\n" + "\n".join(figures))
    assert not failures, "\n".join(failures)


def test_from_a_server(peertape: Callable[..., Any], server: Server) -> None:
    """A small recording, of which a file shows no more."""
    recording = SHARED / "recordings" / "user-session.mitm"
    replay = peertape("replay", imported(recording, server.fresh()), "--limits", "off")
    code, said = play(recording, replay.url)
    assert not code, said


@pytest.mark.parametrize("recording", RECORDINGS[:1] + RECORDINGS[-2:], ids=lambda path: path.stem)
def test_a_recording_of_a_replay(recording: Path, peertape: Callable[..., Any], tmp_path: Path) -> None:
    """Recorded through peertape from a peertape replay, exported, and that export played against a replay of it."""
    first = peertape("replay", imported(recording, tmp_path / "first.cassette"), "--limits", "off")
    recorder = peertape("record", "--upstream", first.url, "--cassette", tmp_path / "second.cassette")
    code, said = play(recording, recorder.url)
    assert code == 0, said
    assert recorder.stop() == 0
    export = tmp_path / "second.mitm"
    subprocess.run(
        [PROGRAM, "cassette", "export", tmp_path / "second.cassette", export], check=True, capture_output=True
    )
    second = peertape("replay", tmp_path / "second.cassette", "--limits", "off", environment={"PEERTAPE_TOKEN": TOKEN})
    for way in WAYS.values():
        second.control("reset", TOKEN)
        code, said = play(export, second.url, *way)
        assert code == 0, said
