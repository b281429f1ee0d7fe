"""Building the demo; the recordings themselves lie outside of the repository."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from peertape.cassettes import demo
from peertape.cassettes.demo import build
from peertape.cassettes.interchange import formats
from peertape.cassettes.store import Cassette


@pytest.fixture
def recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    with closing(Cassette(demo.path())) as cassette:
        formats.write(islice(cassette.exchanges(), 300, 560), folder / "some.mitm", formats.Format.MITMPROXY)
    monkeypatch.setattr(build, "SESSIONS", ("some",))
    return folder


def test_the_same_recordings_give_the_same_file(recordings: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.cassette", tmp_path / "second.cassette"
    assert build.build(recordings, first) == build.build(recordings, second) == 260
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.cassette", "recordings", "second.cassette"]


def test_a_demo_that_is_too_big_is_refused(recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "LARGEST", 1000)
    with pytest.raises(SystemExit, match="more than the 1000"):
        build.build(recordings, tmp_path / "demo.cassette")
    assert not (tmp_path / "demo.cassette").exists()
