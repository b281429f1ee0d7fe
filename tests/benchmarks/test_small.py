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
THERE = {"serve", "granian-empty", "granian-dictionary", "nginx"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """What was printed, and the results by peer."""
    program("wrk")
    program("nginx", "nginx-light")
    folder = tmp_path_factory.mktemp("benchmarks")
    results = folder / "results.json"
    command = [sys.executable, "-m", "benchmarks", "--small", "--cache", folder / "cache", "--results", results]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (part,) = json.loads(results.read_text("utf-8"))["parts"]
    return done.stdout, {one["name"]: one for one in part["measured"]}


def test_peers_that_need_no_installation_were_measured_and_answered_rightly(run: Run) -> None:
    _, measured = run
    for name in THERE:
        assert measured[name]["why_not"] == "", name
        assert [load["requests"] > 0 for load in measured[name]["loads"]] == [True], name
        assert measured[name]["started"] > 0, name


def test_what_is_not_installed_is_left_out_and_says_so(run: Run) -> None:
    printed, measured = run
    assert measured["wiremock"]["loads"] == []
    assert "WireMock: wiremock is not installed" in printed


def test_the_table_has_a_line_for_each(run: Run) -> None:
    printed, measured = run
    for one in measured.values():
        assert one["title"] in printed
