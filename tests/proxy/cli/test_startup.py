"""A command imports what it needs, and nothing that takes a while besides."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import click
import pytest
from support.process import PROGRAM, clean_environment
from support.wire import PATIENCE

from peertape.proxy.cli.lazy import LazyGroup
from peertape.proxy.cli.root import cli

SERVERS = frozenset({"mitmproxy", "granian", "uvicorn", "httpx", "httpcore", "h2", "wsproto"})
STORE = frozenset({"sqlalchemy", "zstandard", "peertape.cassettes.store", "peertape.proxy.engine"})
SETTINGS = frozenset({"pydantic", "pydantic_settings", "yaml"})
SIGNING = frozenset({"cryptography", "OpenSSL"})
SCREEN = frozenset({"rich"})

# What is made by the first request that needs it: a recorded answer does not.
LATE = frozenset(
    {
        "peertape.config.contracts",
        "peertape.config.sockets",
        "peertape.proxy.control.actions",
        "peertape.proxy.engine.ondemand",
        "peertape.proxy.engine.sockets.server",
        "peertape.proxy.engine.stages.uploads",
        "peertape.proxy.engine.twin.contract",
        "peertape.proxy.engine.twin.given",
        "peertape.proxy.engine.twin.twin",
    }
)
WRITING = frozenset({"peertape.cassettes.learning", "peertape.cassettes.migrations", "peertape.cassettes.writer"})

ASK = """
import os, urllib.request
with urllib.request.urlopen(os.environ["PEERTAPE_URL"] + "/api/v1/config") as answer:
    assert answer.headers["Peertape-Source"].startswith("recorded")
"""
# As `serve`, but what is late is not made before the end, however long the command takes.
UNHURRIED = """
import math, sys
from peertape.proxy.cli import main, running
running.PAUSE = math.inf
main()
"""
SERVE = ["serve", "--listen", "127.0.0.1:0", "--", sys.executable, "-c", ASK]
HURRIED = UNHURRIED.replace("math.inf", "0.0")
# Requests of all sorts, none of which is answered from a recording, or at least not alone.
READY = """
import sys
from peertape.cassettes.headers import Headers
from peertape.config import settings
from peertape.proxy.cli import assembly
from peertape.proxy.cli.opencassettes import open_cassettes
from peertape.proxy.engine.model import Request

chosen = settings.load({"limits": "off"})
socket = [("Connection", "Upgrade"), ("Upgrade", "websocket")]
asked = [
    Request("GET", "/api/v1/videos/123456789", Headers.of([("Host", "localhost")])),
    Request("GET", "/api/v1/videos/1", Headers.of([("Host", "localhost"), ("Prefer", "code=403")])),
    Request("GET", "/socket.io/?EIO=4&transport=polling", Headers.of([("Host", "localhost")])),
    Request("GET", "/tracker/socket", Headers.of([("Host", "localhost"), *socket])),
    Request("POST", "/api/v1/videos/upload-resumable", Headers.of([("Host", "localhost")])),
    Request("POST", "/api/v1/users/token", Headers.of([("Host", "localhost")])),
]
with assembly.parts(chosen, open_cassettes((), chosen)) as parts:
    engine = parts.engine(parts.replay_stages(lambda: parts.actions("serve")))
    parts.make_ready()
    before = set(sys.modules)
    for request in asked:
        print(engine.answer(request, parts.sessions.of(request)).status)
    late = {name for name in set(sys.modules) - before if name.startswith("peertape")}
    assert not late, late
"""

Cases = list[tuple[list[str], frozenset[str]]]
CASES: Cases = [
    (["--help"], SERVERS | STORE | SETTINGS | SIGNING | SCREEN | {"asyncio"}),
    (["cassette", "--help"], SERVERS | STORE | SETTINGS | SIGNING | SCREEN | {"asyncio"}),
    (["cassette", "ls", "demo"], SERVERS | SIGNING | {"m3u8"}),
    (["errors", "GET /api/v1/videos"], SERVERS | SIGNING),
    (["ca", "--path"], (SERVERS | STORE | SCREEN) - {"mitmproxy"}),
]


@pytest.mark.parametrize(("arguments", "needless"), CASES, ids=[" ".join(words[:2]) for words, _ in CASES])
def test_a_command_imports_only_what_it_needs(arguments: list[str], needless: frozenset[str], tmp_path: Path) -> None:
    imported = imports_of(arguments, tmp_path)
    assert "click" in imported
    assert needless & imported == set()


def test_a_recorded_answer_needs_neither_what_is_late_nor_what_writes(tmp_path: Path) -> None:
    needless = SERVERS | SIGNING | SCREEN | LATE | WRITING | {"m3u8", "sqlalchemy.dialects.postgresql"}
    imported = imports_of(SERVE, tmp_path, "-c", UNHURRIED)
    assert "granian" in imported
    assert needless & imported == {"granian"}


def test_what_a_first_answer_does_not_need_is_made_soon_after_the_start(tmp_path: Path) -> None:
    """Nobody asks for anything, and still the rules are there."""
    command = [sys.executable, "-X", "importtime", "-c", HURRIED, "serve", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=clean_environment(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        patience = threading.Timer(PATIENCE, process.kill)
        patience.start()
        try:
            assert process.stderr is not None
            assert any(b"peertape.proxy.engine.twin.contract" in line for line in process.stderr)
        finally:
            patience.cancel()
            process.kill()


def test_what_was_made_ready_leaves_nothing_to_import(tmp_path: Path) -> None:
    told = run_python(tmp_path, "-c", READY).stdout
    assert told.split() == ["404", "403", "200", "101", "401", "400"]


def imports_of(arguments: list[str], folder: Path, *program: str | Path) -> set[str]:
    """Modules and packages that a run of peertape has imported in the end, as Python itself reports them."""
    told = run_python(folder, "-X", "importtime", *(program or (PROGRAM,)), *arguments).stderr
    return set(re.findall(r"^import time:.*\| +(\S+)$", told, re.MULTILINE))


def run_python(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    run = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=clean_environment(folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run


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
