"""Measurements that are too slow, or hang too much on the machine, for the tests. They share the tests' own support."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))
