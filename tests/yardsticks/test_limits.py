"""The recorded bursts into every limit of a real PeerTube, played at their own times on the virtual clock."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.process import PROGRAM

SHARED = Path(__file__).parents[2].parent / "shared"
FIDELITY = SHARED / "tools" / "fidelity.py"
RECORDING = SHARED / "recordings" / "rate-limits.mitm"
TOKEN = "yardstick"

pytestmark = pytest.mark.skipif(
    not FIDELITY.exists(), reason="the recordings lie beside the project's own workplace only"
)


def test_every_429_and_every_number(peertape: Callable[..., Any], tmp_path: Path, capsys: Any) -> None:
    """Two rounds: a reset begins all windows anew."""
    cassette = tmp_path / "c.cassette"
    subprocess.run([PROGRAM, "cassette", "import", cassette, RECORDING], check=True, capture_output=True)
    replay = peertape("replay", cassette, environment={"PEERTAPE_TOKEN": TOKEN})
    command = [sys.executable, "-W", "ignore", str(FIDELITY), str(RECORDING), replay.url, "--advance", "--rounds", "2"]
    environment = os.environ | {"PEERTAPE_TOKEN": TOKEN}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250, check=False)
    with capsys.disabled():
        print(f"\nrate-limits: {done.stdout.splitlines()[-1]}")
    assert done.returncode == 0, done.stdout
