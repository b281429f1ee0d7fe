"""`peertape serve --workers 2`: processes that serve one address."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from support.process import wait_for

if TYPE_CHECKING:
    from support.process import Peertape

Start = Callable[..., "Peertape"]
REQUESTS = 24


def test_ctrl_c_ends_all_with_one_summary(peertape: Start, tmp_path: Path) -> None:
    """In a terminal it reaches all processes, and one client of a worker never leaves."""
    process = peertape(
        *("serve", "--workers", "2", "--strict=recorded,fault", "--limits", "peertube*10", "--journal", "j.jsonl"),
        *("--fault", "stall@GET /api/v1/videos"),
        prepare=os.setsid,
    )
    workers = process.children
    process.connect().send("GET /api/v1/videos HTTP/1.1\r\nHost: a\r\n\r\n")
    asked = [process.ask("GET /api/v1/config/about")[0].status for _ in range(REQUESTS)]
    missed = [process.ask("GET /no/such/thing.js")[0].status for _ in range(REQUESTS)]
    assert {_process(process) for _ in range(REQUESTS)} == set(workers)
    wait_for(lambda: len((tmp_path / "j.jsonl").read_bytes().splitlines()) > 2 * REQUESTS)
    os.killpg(process.pid, signal.SIGINT)
    assert process.stop() == 1  # the run was not strict
    assert (asked, missed) == ([200] * REQUESTS, [501] * REQUESTS)
    assert f"{2 * REQUESTS + 1} answers: 24 recorded, 24 miss, 1 fault\n" in process.said
    assert "not strict: 24 miss" in process.said
    assert process.said.count("recordings used") == process.said.count("control token") == 1
    assert "Traceback" not in process.said
    assert not any(map(_runs, workers))
    entries = [json.loads(line) for line in (tmp_path / "j.jsonl").read_bytes().splitlines()]
    assert len(entries) == 2 * REQUESTS + 1


def test_a_run_that_loses_a_worker_ends_and_says_so(peertape: Start) -> None:
    process = peertape("serve", "--workers", "2", "--tls")
    first, second = process.children
    os.kill(second, signal.SIGTERM)  # is not theirs to heed
    os.kill(second, signal.SIGKILL)
    wait_for(lambda: not process.running)
    assert process.stop() == 1
    assert f"Worker 2 of 2 (process {second}) was ended by SIGKILL" in process.said
    assert process.said.count("recordings used") == 1
    assert not _runs(first)


def test_nothing_outlives_the_process_that_started_the_workers(peertape: Start, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    process = peertape("serve", "--workers", "3", "--limits", "off", environment={"TMPDIR": str(folder)})
    workers = process.children
    process.kill()
    wait_for(lambda: not any(map(_runs, workers)))
    assert len(workers) == 3
    assert list(folder.iterdir()) == []


def test_what_is_said_once_a_run(peertape: Start) -> None:
    """Its first 429, for example, although each worker has one."""
    process = peertape("serve", "--workers", "2")
    statuses = [process.ask("GET /api/v1/config/about")[0].status for _ in range(160)]
    assert statuses.count(429) > 50
    assert process.stop() == 0
    assert process.said.count("rate limited, as by PeerTube (429): bucket api") == 1


def _process(process: Peertape) -> int:
    """The one that answered."""
    return int(json.loads(process.ask("GET /__peertape__/health")[1])["process"])


def _runs(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text("ascii")
    except FileNotFoundError:
        return False
