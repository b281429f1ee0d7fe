"""`peertape cassette stats`: what is in a cassette, counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result
from support import samples

from peertape.cassettes import schema

Run = Callable[..., Result]


def test_counts(tape: Path, run: Run) -> None:
    result = run("stats", tape, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    counted = json.loads(result.stdout)
    assert counted["exchanges"] == 10
    assert counted["methods"] == {"GET": 8, "DELETE": 1, "POST": 1}
    assert counted["statuses"] == {"200": 7, "101": 1, "401": 1, "none": 1}
    assert counted["states"] == {"complete": 8, "cut": 1, "failed": 1}
    assert counted["identities"] == {"anonymous": 7, "alice": 2, "token": 1}
    assert counted["roles"] == {"alice": "User"}
    assert counted["routes"]["/lazy-static/thumbnails/a.jpg"] == 2
    assert counted["all_routes"] == 9
    assert (counted["messages"], counted["format_version"]) == (2, schema.VERSION)
    assert (counted["upstream"], counted["public_origin"]) == ("https://tube.example", "https://tube.example")
    assert (counted["first"], counted["last"]) == (samples.EPOCH + 1, samples.EPOCH + 10.5)
    assert counted["file"] == tape.stat().st_size


def test_sizes(tape: Path, run: Run) -> None:
    counted = json.loads(run("stats", tape, "--json").stdout)
    assert counted["transferred"] - counted["deduplicated"] == len(samples.PICTURE)
    assert 0 < counted["stored"] < counted["deduplicated"]


def test_for_people(tape: Path, run: Run) -> None:
    lines = run("stats", tape).stdout.splitlines()
    assert "exchanges      10, with 2 WebSocket messages" in lines
    assert "identities     7 anonymous, 2 alice (User), 1 token" in lines
    assert "recorded       2023-11-14T22:13:21.000Z to 2023-11-14T22:13:30.500Z" in lines
    assert "  2  /lazy-static/thumbnails/a.jpg" in lines


def test_only_the_most_frequent_routes(tmp_path: Path, run: Run) -> None:
    many = [samples.made(number, "GET", f"/r{number}", 200) for number in range(30)]
    tape = samples.record(tmp_path / "many.cassette", [*many, samples.made(31, "GET", "/r29", 200)])
    counted = json.loads(run("stats", tape, "--json").stdout)
    assert (len(counted["routes"]), counted["all_routes"]) == (20, 30)
    assert next(iter(counted["routes"].items())) == ("/r29", 2)
    assert "routes         30, the most frequent:" in run("stats", tape).stdout


def test_an_empty_cassette(tmp_path: Path, run: Run) -> None:
    tape = samples.record(tmp_path / "empty.cassette", [])
    assert json.loads(run("stats", tape, "--json").stdout)["exchanges"] == 0
    assert run("stats", tape).exit_code == 0
    assert run("ls", tape).stdout == ""
