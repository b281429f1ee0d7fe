"""`peertape cassette audit`: exit code 1 on a finding."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from click.testing import Result
from support import samples

Run = Callable[..., Result]


def edit(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement, values)
    connection.close()


def test_nothing_is_found(tape: Path, run: Run) -> None:
    result = run("audit", tape, "--secret", samples.ACCESS, "--secret", samples.PASSWORD)
    assert result.stdout == "nothing found in 10 exchanges\n"
    assert result.exit_code == 0


def test_what_looks_like_a_token_in_a_log_is_a_warning(tape: Path, run: Run) -> None:
    result = run("audit", tape)
    assert (result.exit_code, result.stdout) == (0, "nothing found in 10 exchanges\n")
    shortened = f"{samples.STRANGER[::-1][:4]}… (40 characters)"
    assert result.stderr == f"exchange 10, response body: warning: looks like a token: {shortened}\n"


def test_a_secret_that_was_left(tape: Path, run: Run) -> None:
    held = "SELECT item.value FROM exchanges, json_each(request_headers) item WHERE exchanges.id = 2"
    edit(
        tape,
        f"UPDATE fields SET value = ? WHERE name = 'Authorization' AND id IN ({held})",
        f"Bearer {samples.ACCESS}",
    )
    result = run("audit", tape)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"exchange {number}, request header Authorization: no pseudonym where a secret stands: a1b2… (40 characters)"
        for number in (samples.ME, samples.LOGS)  # which share it
    ] + [
        f"2 found in 10 exchanges; `peertape cassette redact {tape}` replaces what its rules cover",
    ]
    assert run("redact", tape).exit_code == 0
    assert run("audit", tape).exit_code == 0


def test_the_users_rules_count(tape: Path, run: Run) -> None:
    Path("peertape.yaml").write_text("redact:\n  - email: true\n")
    result = run("audit", tape)
    assert result.exit_code == 1
    assert "exchange 2, response body: no pseudonym where a secret stands: alic… (18 characters)" in result.stdout


def test_given_secrets(tape: Path, run: Run) -> None:
    Path("secrets.txt").write_text("alice@mail.example\n\nnowhere to be found\n")
    result = run("audit", tape, "--secrets", "secrets.txt", "--secret", "Čas")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert "exchange 3, response body: a given secret: … (3 characters)" in lines
    assert "exchange 2, response body: a given secret: alic… (18 characters)" in lines
    assert "table users: a given secret: alic… (18 characters)" in lines
    assert not any("19 characters" in line for line in lines)


def test_wrong_usage(tape: Path, run: Run) -> None:
    assert run("audit", "none.cassette").exit_code == 2
    assert run("audit", tape, "--secrets", "none.txt").exit_code == 2
