"""`peertape cassette ls`: one line an exchange, for eyes and for pipes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from support import samples

from peertape.proxy.cli.cassette import ls

Run = Callable[..., Result]


def test_one_line_for_each(tape: Path, run: Run) -> None:
    result = run("ls", tape)
    lines = [line.split() for line in result.stdout.splitlines()]
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line[0] for line in lines] == [str(number) for number in range(1, 11)]
    assert lines[samples.ME - 1] == [
        "2",
        "2023-11-14T22:13:22.000Z",
        "GET",
        "200",
        "-",
        "alice",
        "97",
        "application/json",
        "/api/v1/users/me",
    ]
    assert lines[samples.FAILED - 1][3:8] == ["-", "failed", "anonymous", "0", "-"]
    assert lines[samples.CUT - 1][4] == "cut"


def test_nothing_is_cut_in_a_pipe(tmp_path: Path, run: Run) -> None:
    target = "/api/v1/search/videos?search=" + "x" * 3000
    tape = samples.record(tmp_path / "long.cassette", [samples.made(1, "GET", target, 200)])
    assert run("ls", tape).stdout.endswith(f"  {target}\n")


def test_files_of_other_hosts_are_urls(tmp_path: Path, run: Run) -> None:
    own = samples.made(1, "GET", "/api/v1/videos", 200)
    film = samples.made(2, "GET", "/film.mp4", 200)
    film = replace(film, request=replace(film.request, authority="files.example:8443"))
    tape = samples.record(tmp_path / "two.cassette", [own, film])
    ends = [line.split()[-1] for line in run("ls", tape).stdout.splitlines()]
    assert ends == ["/api/v1/videos", f"{film.request.scheme}://files.example:8443/film.mp4"]
    assert "# another host, " in run("show", tape, "2").stdout
    assert json.loads(run("ls", tape, "--json").stdout.splitlines()[1])["origin"].endswith("://files.example:8443")


def test_json_lines(tape: Path, run: Run) -> None:
    objects = [json.loads(line) for line in run("ls", tape, "--json").stdout.splitlines()]
    assert len(objects) == 10
    assert objects[samples.REFUSED - 1] | {"credential": "?"} == {
        "id": 9,
        "time": "2023-11-14T22:13:29.000Z",
        "method": "DELETE",
        "origin": "https://tube.example",
        "target": "/api/v1/videos/9",
        "status": 401,
        "state": "complete",
        "identity": "token",
        "credential": "?",
        "size": 2,
        "type": "application/json",
    }
    assert samples.STRANGER not in run("ls", tape, "--json").stdout


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--method", "post"], [samples.LOGIN]),
        (["--path", "/api/v1/users/**"], [samples.LOGIN, samples.ME]),
        (["--path", "GET /api/v1/users/**", "--path", "/socket.io/**"], [samples.ME, samples.SOCKET]),
        (["--identity", "Alice"], [samples.ME, samples.LOGS]),
        (["--identity", "token"], [samples.REFUSED]),
        (["--identity", "alice", "--method", "PUT"], []),
    ],
)
def test_filters(tape: Path, run: Run, options: list[str], expected: list[int]) -> None:
    result = run("ls", tape, "--json", *options)
    assert result.exit_code == 0
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == expected
    assert len(run("ls", tape, *options).stdout.splitlines()) == len(expected)


def test_a_faulty_pattern_is_explained(tape: Path, run: Run) -> None:
    result = run("ls", tape, "--path", "api")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'/api/v1/**'" in result.stderr


def test_a_missing_cassette_is_explained(run: Run) -> None:
    result = run("ls", "none.cassette")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: There is no cassette none.cassette;")


def test_control_sequences_do_not_reach_a_terminal(tmp_path: Path, run: Run) -> None:
    tape = samples.record(tmp_path / "odd.cassette", [samples.made(1, "GET", "/a\x1b[31m\x9b", 200)])
    assert run("ls", tape).stdout.endswith("/a\\x1b[31m\\x9b\n")


def test_a_table_for_terminals(tape: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(ls.Console):
        def __init__(self) -> None:
            super().__init__(force_terminal=True, width=160, color_system=None)

    monkeypatch.setattr(ls, "Console", Terminal)
    lines = run("ls", tape).stdout.splitlines()
    assert lines[0].split() == list(ls.COLUMNS)
    assert len(lines) == 11
