"""Programs of others that the tests drive: a test that lacks one is skipped, but never where CI runs.

CI sets `PEERTAPE_TEST_ALL`, so that nothing is left out there unnoticed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

ALL = "PEERTAPE_TEST_ALL"


def module(name: str) -> None:
    """Demands a Python package of the dependency group `clients`."""
    if importlib.util.find_spec(name) is None:
        lacking(f"{name} is not installed; `uv sync --group clients` brings it")


def program(name: str, package: str | None = None) -> Path:
    """The path of a program on this machine; `package` is Debian's name of what brings it."""
    found = shutil.which(name)
    if found is None:
        lacking(f"{name} is not installed; `apt-get install {package or name}` brings it")
    assert found is not None
    return Path(found)


def npm(name: str) -> None:
    """Demands an npm package of `tests/clients/package.json`."""
    if not (Path(__file__).parents[1] / "clients" / "node_modules" / name / "package.json").exists():
        lacking(f"{name} is not installed; `npm install --prefix tests/clients` brings it")


def shared(name: str) -> Path:
    """What lies in `../shared`, beside the project."""
    path = Path(__file__).parents[3] / "shared" / name
    if not path.exists():
        lacking(f"there is no {path}")
    return path


def lacking(sentence: str) -> None:
    """Skips the test, or fails it where CI runs."""
    if os.environ.get(ALL):
        pytest.fail(sentence)
    pytest.skip(sentence)
