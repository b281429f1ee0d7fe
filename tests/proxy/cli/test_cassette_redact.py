"""`peertape cassette redact`: today's rules over what was recorded under those of yesterday."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from support import samples

from peertape.cassettes.bodies import read
from peertape.cassettes.model import Exchange
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

Run = Callable[..., Result]
EMAIL = b"alice@mail.example"


def holds(path: Path, text: bytes) -> bool:
    cassette = Cassette(path)
    try:
        bodies = [read(e.response.body) for e in cassette.exchanges() if e.response is not None]
    finally:
        cassette.close()
    return text in path.read_bytes() or any(text in body for body in bodies)


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
    finally:
        connection.close()


@pytest.mark.parametrize("from_file", [True, False])
def test_a_new_rule_reaches_what_is_stored(tape: Path, run: Run, from_file: bool) -> None:
    assert holds(tape, EMAIL)
    if from_file:
        Path("peertape.yaml").write_text("redact:\n  - email: true\n")
    before = run("ls", tape, "--json").stdout
    result = run("redact", tape, *([] if from_file else ["--rule", "email"]))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"{tape}: 10 exchanges redacted anew\n"
    assert not holds(tape, EMAIL)
    assert run("ls", tape, "--json").stdout == before
    assert sorted(path.name for path in tape.parent.glob("*small*")) == [tape.name]


def test_nothing_else_changes(tape: Path, run: Run) -> None:
    tables = ("exchanges", "headers", "messages", "pseudonyms", "credentials", "users", "resources", "meta")
    before = [rows(tape, table) for table in tables]
    assert run("redact", tape).exit_code == 0
    assert [rows(tape, table) for table in tables] == before


@pytest.mark.parametrize(
    ("rule", "exchange", "gone"),
    [
        ("header=Content-Type", samples.IMAGE, "image/jpeg"),
        ("query=count", samples.VIDEOS, "count=2"),
        ("json=$.data[*].name", samples.VIDEOS, "Čas"),
        ("json=message", samples.LOGS, samples.LOG),
    ],
)
def test_rules_of_each_kind(tape: Path, run: Run, rule: str, exchange: int, gone: str) -> None:
    assert gone in run("show", tape, exchange).stdout
    assert run("redact", tape, "--rule", rule).exit_code == 0
    assert gone not in run("show", tape, exchange).stdout


@pytest.mark.parametrize("rule", ["email=x", "header", "nonsense", "nonsense=1", "json=$", "header=a b"])
def test_a_faulty_rule_is_explained(tape: Path, run: Run, rule: str) -> None:
    before = tape.read_bytes()
    result = run("redact", tape, "--rule", rule)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is no rule" in result.stderr
    assert tape.read_bytes() == before


def test_gaps_between_ids_stay(tape: Path, run: Run) -> None:
    connection = sqlite3.connect(tape)
    with connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM exchanges WHERE id IN (1, 4)")
    connection.close()
    assert run("redact", tape).exit_code == 0
    assert [json.loads(line)["id"] for line in run("ls", tape, "--json").stdout.splitlines()] == [
        2,
        3,
        5,
        6,
        7,
        8,
        9,
        10,
    ]


@pytest.mark.parametrize(
    ("trouble", "code"), [(KeyboardInterrupt, 130), (MemoryError, 1), (OSError(28, "No space left on device"), 2)]
)
def test_whatever_happens_the_old_one_stays(
    tape: Path, run: Run, monkeypatch: pytest.MonkeyPatch, trouble: BaseException | type[BaseException], code: int
) -> None:
    before, add = run("ls", tape, "--json").stdout, CassetteWriter.add

    def fail(self: CassetteWriter, exchange: Exchange, **options: int) -> int:
        if exchange.id == 5:
            raise trouble
        return add(self, exchange, **options)

    monkeypatch.setattr(CassetteWriter, "add", fail)
    result = run("redact", tape, "--rule", "email")
    assert result.exit_code == code
    assert run("ls", tape, "--json").stdout == before
    assert holds(tape, EMAIL)
    assert [path.name for path in tape.parent.iterdir()] == [tape.name]


def test_not_while_somebody_records(tape: Path, run: Run) -> None:
    writer = CassetteWriter(tape, RedactionRules.default())
    try:
        result = run("redact", tape)
    finally:
        writer.close()
    assert result.exit_code == 2
    assert "is being recorded into by another process" in result.stderr
    assert run("ls", tape).stdout.count("\n") == 10


def test_a_link_stays_one_and_the_mode_stays(tape: Path, run: Run) -> None:
    tape.chmod(0o640)
    link = tape.with_name("link.cassette")
    link.symlink_to(tape)
    assert run("redact", link, "--rule", "email").exit_code == 0
    assert link.is_symlink()
    assert tape.stat().st_mode & 0o777 == 0o640
    assert not holds(tape, EMAIL)


def test_an_interrupted_recording_is_kept_as_cut(tape: Path, run: Run) -> None:
    connection = sqlite3.connect(tape)
    with connection:
        connection.execute("UPDATE exchanges SET state = 'open' WHERE id = 3")
    connection.close()
    assert run("redact", tape).exit_code == 0
    assert run("show", tape, 3).stdout.startswith("# exchange 3, cut: the recording was interrupted\n")
