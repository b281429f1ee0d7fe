"""A command imports what it needs, and nothing that takes a while besides."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from support.process import PROGRAM, clean_environment

from peertape.proxy.cli.lazy import LazyGroup
from peertape.proxy.cli.root import cli

SERVERS = frozenset({"mitmproxy", "granian", "uvicorn", "httpx", "httpcore", "h2", "wsproto"})
STORE = frozenset({"sqlalchemy", "zstandard", "peertape.cassettes.store", "peertape.proxy.engine"})
SETTINGS = frozenset({"pydantic", "pydantic_settings", "yaml"})
SIGNING = frozenset({"cryptography", "OpenSSL"})
SCREEN = frozenset({"rich"})

ASK = "import os, urllib.request; print(urllib.request.urlopen(os.environ['PEERTAPE_URL'] + '/api/v1/config').status)"
SERVE = ["serve", "--listen", "127.0.0.1:0", "--", sys.executable, "-c", ASK]

Cases = list[tuple[list[str], frozenset[str]]]
CASES: Cases = [
    (["--help"], SERVERS | STORE | SETTINGS | SIGNING | SCREEN | {"asyncio"}),
    (["cassette", "--help"], SERVERS | STORE | SETTINGS | SIGNING | SCREEN | {"asyncio"}),
    (SERVE, (SERVERS | SIGNING | SCREEN | {"m3u8", "sqlalchemy.dialects.postgresql"}) - {"granian"}),
    (["cassette", "ls", "demo"], SERVERS | SIGNING | {"m3u8"}),
    (["errors", "GET /api/v1/videos"], SERVERS | SIGNING),
    (["ca", "--path"], (SERVERS | STORE | SCREEN) - {"mitmproxy"}),
]


@pytest.mark.parametrize(("arguments", "needless"), CASES, ids=[" ".join(words[:2]) for words, _ in CASES])
def test_a_command_imports_only_what_it_needs(arguments: list[str], needless: frozenset[str], tmp_path: Path) -> None:
    imported = imports_of(arguments, tmp_path)
    assert "click" in imported
    assert needless & imported == set()


def imports_of(arguments: list[str], folder: Path) -> set[str]:
    """Modules and packages that a run of peertape has imported in the end, as Python itself reports them."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", PROGRAM, *arguments],
        cwd=folder,
        env=clean_environment(folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return set(re.findall(r"^import time:.*\| +(\S+)$", run.stderr, re.MULTILINE))


def test_lists_tell_the_first_sentence_of_each_command_s_help() -> None:
    for group in groups(cli):
        context = click.Context(group)
        for name, entry in group.entries.items():
            command = group.get_command(context, name)
            assert command is not None
            assert command.get_short_help_str(1000) == entry.summary, f"{entry.module} says something else"


def groups(group: LazyGroup) -> list[LazyGroup]:
    context = click.Context(group)
    below = [group.get_command(context, name) for name in group.list_commands(context)]
    return [group, *(one for found in below if isinstance(found, LazyGroup) for one in groups(found))]
