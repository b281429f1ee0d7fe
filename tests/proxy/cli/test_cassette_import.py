"""`peertape cassette import`: the line that tells what came in, and what did not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.commands import run

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


def imported(folder: Path, *entries: dict[str, Any]) -> str:
    (folder / "session.har").write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}), "utf-8")
    result = run("import", folder / "mine.cassette", folder / "session.har")
    assert result.exit_code == 0, result.stderr
    return str(result.stderr).splitlines()[-1].removeprefix(f"{folder / 'mine.cassette'}: ")


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
