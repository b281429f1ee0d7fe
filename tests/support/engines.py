"""The engines that hold a cassette."""

from __future__ import annotations

import pytest

FILE, SERVER = "file", "server"

both = pytest.mark.parametrize("place", [FILE, SERVER], indirect=True)  # runs a test with a place on each
