"""yt-dlp against the recording of a whole playback, through the forward proxy and directly."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ytdlp
from support.clients import shared
from support.process import PROGRAM, Peertape
from support.ytdlp import Truth

from peertape.cassettes.store import Cassette

BARS = "77d4282c-9844-425b-8a73-6e7a4976b5b1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("ytdlp")
    source = shared("recordings/media-playback.mitm")
    subprocess.run(
        [PROGRAM, "cassette", "import", "media.cassette", source], cwd=place, check=True, capture_output=True
    )
    return place


@pytest.fixture(scope="module")
def replay(folder: Path) -> Iterator[Peertape]:
    process = ytdlp.started(folder, "media.cassette")
    yield process
    if process.running:
        process.kill()


@pytest.fixture(scope="module")
def truth(folder: Path) -> Iterator[Truth]:
    cassette = Cassette(folder / "media.cassette")
    yield Truth(cassette)
    cassette.close()


@pytest.mark.parametrize("way", ["proxy", "direct"])
def test_metadata_and_files(replay: Peertape, truth: Truth, way: str) -> None:
    ytdlp.check_information(truth, ytdlp.ways(replay)[way], BARS)
    ytdlp.check_files(truth, ytdlp.ways(replay)[way], BARS)
