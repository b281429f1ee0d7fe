"""`peertape cassette import`: the line that tells what came in, and what did not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.commands import run
from support.process import PROGRAM, clean_environment, wait_for
from support.wire import PATIENCE

from peertape.cassettes.store import Cassette

TIME = "2026-11-23T08:00:00.000Z"
CONTENT = {"size": 2, "mimeType": "application/json", "text": "{}"}


def entry(url: str, status: int = 200, method: str = "GET", **request: Any) -> dict[str, Any]:
    return {
        "startedDateTime": TIME,
        "time": 1,
        "request": {"method": method, "url": url, "httpVersion": "HTTP/1.1", "headers": [], **request},
        "response": {"status": status, "statusText": "", "httpVersion": "HTTP/1.1", "headers": [], "content": CONTENT},
        "timings": {"send": 0, "wait": 1, "receive": 0},
    }


def imported(folder: Path, *entries: dict[str, Any], name: str = "mine.cassette") -> str:
    (folder / "session.har").write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}), "utf-8")
    result = run("import", folder / name, folder / "session.har")
    assert result.exit_code == 0, result.stderr
    return str(result.stderr).splitlines()[-1].removeprefix(f"{folder / name}: ")


def test_what_is_whole_needs_no_remark(tmp_path: Path) -> None:
    assert imported(tmp_path, entry("https://p.example/")) == "1 exchanges imported"


def test_what_is_not_whole_is_told(tmp_path: Path) -> None:
    told = imported(
        tmp_path,
        entry("https://p.example/"),
        entry("https://p.example/gone", status=0),
        entry("https://p.example/upload", method="POST", bodySize=5),
        entry("data:text/plain,x"),
    )
    assert told == (
        "3 exchanges imported (1 of them incomplete and never replayed; 1 with a request body that the file does not "
        "have; 1 entries that are no HTTP exchanges left out)"
    )


class Importer:
    """`peertape cassette import` in the middle of a file, of which some exchanges are on the disk by now.

    They come into a cassette that has one.
    """

    def __init__(self, folder: Path) -> None:
        self.cassette = folder / "mine.cassette"
        imported(folder, entry("https://p.example/"))
        imported(folder, *(entry(f"https://p.example/{number}") for number in range(1000)), name="many.cassette")
        assert run("export", folder / "many.cassette", folder / "many.mitm").exit_code == 0
        self.process = subprocess.Popen(
            [PROGRAM, "cassette", "import", self.cassette, "-"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(folder),
        )
        assert self.process.stdin is not None
        self.process.stdin.write((folder / "many.mitm").read_bytes())
        self.process.stdin.flush()
        wait_for(lambda: self.whole() > 1)

    @property
    def children(self) -> list[int]:
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]

    def whole(self) -> int:
        """How many exchanges are on the disk; each is complete."""
        with closing(Cassette(self.cassette)) as cassette:
            states = [exchange.state for exchange in cassette.exchanges()]
        assert set(states) == {"complete"}
        return len(states)

    def end(self) -> list[str]:
        """What it said."""
        _, said = self.process.communicate(timeout=PATIENCE)
        return said.decode().splitlines()


@pytest.fixture
def importer(tmp_path: Path) -> Iterator[Importer]:
    importer = Importer(tmp_path)
    yield importer
    importer.process.kill()
    importer.process.communicate()


def test_ctrl_c_keeps_what_was_read(importer: Importer) -> None:
    for process in (*importer.children, importer.process.pid):  # as a terminal does
        os.kill(process, signal.SIGINT)
    said = importer.end()
    new = importer.whole() - 1
    assert (importer.process.returncode, said[0]) == (130, f"{importer.cassette}: {new} exchanges imported")
    assert [file.name for file in importer.cassette.parent.glob("mine*")] == ["mine.cassette"]


def test_what_was_written_stays_when_nobody_writes_any_more(importer: Importer) -> None:
    (writer,) = importer.children
    os.kill(writer, signal.SIGKILL)
    said = importer.end()
    assert importer.process.returncode == 2
    assert said[1].startswith("Error: The process that writes the cassette was ended by SIGKILL")
    assert len(said) == 2
    assert importer.whole() > 1
