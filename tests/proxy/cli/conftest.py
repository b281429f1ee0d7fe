"""A small cassette, and the command line in this process; nobody's peertape.yaml or environment has a say."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from support import samples

from peertape.proxy.cli.root import cli

if TYPE_CHECKING:
    from click.testing import Result

with warnings.catch_warnings():  # mitmproxy's imports use old names, which warn once
    warnings.simplefilter("ignore")
    import mitmproxy.addons.savehar  # noqa: F401


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PEERTAPE_CONFIG", str(tmp_path / "peertape.yaml"))


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return samples.record(tmp_path / "small.cassette")


@pytest.fixture
def run() -> Callable[..., Result]:
    """Runs `peertape cassette ARGUMENTS`."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(cli, ["cassette", *map(str, arguments)])

    return run
