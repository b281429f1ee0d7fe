"""Every recorded session of a real PeerTube, asked of both lanes: the same answers, header for header."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.lanes import OPTIONS, TOKEN, aligned, differences
from support.process import PROGRAM

from peertape.cassettes.store import Cassette

RECORDINGS = sorted((Path(__file__).parents[2].parent / "shared" / "recordings").glob("*.mitm"))

pytestmark = pytest.mark.skipif(not RECORDINGS, reason="the recordings lie beside the project's own workplace only")


def test_both_lanes_answer_alike(peertape: Callable[..., Any], tmp_path: Path) -> None:
    """All in one cassette, where a lookup is one lookup: whether they answer as recorded, others test."""
    tape = tmp_path / "all.cassette"
    subprocess.run([PROGRAM, "cassette", "import", tape, *RECORDINGS], check=True, capture_output=True)
    environment = {"PEERTAPE_TOKEN": TOKEN}
    proxy = peertape("replay", tape, *OPTIONS[:2], environment=environment)
    fast = peertape("serve", tape, *OPTIONS, environment=environment)
    aligned(proxy, fast)
    cassette = Cassette(tape)
    try:
        found = [*differences([*cassette.exchanges()], proxy, fast)]
    finally:
        cassette.close()
    assert not found, "\n".join(found)
