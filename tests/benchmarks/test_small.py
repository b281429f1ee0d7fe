"""The benchmarks work, and what they measure answers rightly. How fast it was, is no test's business."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.clients import program

PROJECT = Path(__file__).parents[2]
Run = tuple[str, dict[str, Any]]
THERE = {
    "fast-lane": {"serve", "serve-2", "granian-empty", "granian-dictionary", "nginx"},
    "proxy-lane": {"replay", "mitmproxy-hook", "mitmproxy-replay"},
    "record": {"record", "mitmproxy-reverse", "mitmproxy-saving"},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """What was printed, and the results by part and peer."""
    program("wrk")
    program("nginx", "nginx-light")
    folder = tmp_path_factory.mktemp("benchmarks")
    results = folder / "results.json"
    command = [sys.executable, "-m", "benchmarks", "--small", "--cache", folder / "cache", "--results", results]
    command += [word for part in THERE for word in ("--only", part)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    parts = json.loads(results.read_text("utf-8"))["parts"]
    return done.stdout, {part["name"]: {one["name"]: one for one in part["measured"]} for part in parts}


def test_peers_that_need_no_installation_were_measured_and_answered_rightly(run: Run) -> None:
    _, measured = run
    for part, names in THERE.items():
        for name in names:
            one = measured[part][name]
            assert one["why_not"] == "", name
            assert [load["requests"] > 0 for load in one["loads"]] == [True], name
            assert one["starts"][0] > 0, name


def test_what_is_not_installed_is_left_out_and_says_so(run: Run) -> None:
    printed, measured = run
    assert measured["fast-lane"]["wiremock"]["loads"] == []
    assert "WireMock: wiremock is not installed" in printed


def test_the_table_has_a_line_for_each(run: Run) -> None:
    printed, measured = run
    for part in measured.values():
        for one in part.values():
            assert one["title"] in printed
