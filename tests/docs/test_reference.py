"""The documentation says what the program does."""

from __future__ import annotations

import importlib.util
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from pydantic_core import to_jsonable_python

from peertape.config.settings import Settings
from peertape.proxy.cli.root import cli

PROJECT = Path(__file__).parents[2]
PAGES = sorted(
    [PROJECT / "README.md", PROJECT / "CHANGELOG.md", *PROJECT.glob("docs/*.md"), *PROJECT.glob("benchmarks/*.md")]
)


def builder() -> Any:
    spec = importlib.util.spec_from_file_location("docs_build", PROJECT / "docs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_command_reference_is_up_to_date() -> None:
    assert (PROJECT / "docs" / "cli.md").read_text("utf-8") == builder().page(), "run `uv run python docs/build.py`"


def test_every_option_has_help() -> None:
    for path, command, context in builder().commands(cli, builder().context_of(cli, "peertape")):
        assert command.get_short_help_str(), path
        for parameter in command.get_params(context):
            if isinstance(parameter, click.Option):
                assert parameter.help, (path, parameter.name)


def test_the_commented_settings_are_the_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    text = files("peertape.config").joinpath("peertape.yaml").read_text("utf-8")
    written = yaml.safe_load(text)
    defaults = to_jsonable_python(Settings().model_dump())
    assert written == defaults
    monkeypatch.setenv("PEERTAPE_CONFIG", str(PROJECT / "config" / "peertape.yaml"))
    assert to_jsonable_python(Settings().model_dump()) == defaults


def test_every_option_of_a_run_can_stand_in_the_settings() -> None:
    known = set(Settings.model_fields)
    for name in ("record", "replay", "proxy"):
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        options = {p.name for p in command.params if isinstance(p, click.Option)} - {"web", "help"}
        assert options <= known, name


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target
