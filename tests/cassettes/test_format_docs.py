"""docs/cassette-format.md tells of every table and column, and its examples work."""

from __future__ import annotations

import re
import shlex
import sqlite3
from pathlib import Path

import pytest
from support import samples

from peertape.cassettes import schema
from peertape.cassettes.model import State

PAGE = (Path(__file__).parents[2] / "docs" / "cassette-format.md").read_text("utf-8")
EXAMPLES = re.findall(r"^ {4}(sqlite3 .*)$", PAGE, re.MULTILINE)


def section(table: str) -> str:
    found = re.search(rf"^### Table `{table}`.*?(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"the page has no section on {table}"
    return found[0]


@pytest.mark.parametrize("table", schema.metadata.tables)
def test_every_column_is_told(table: str) -> None:
    rows = "".join(re.findall(r"^\|(.*?)\|", section(table), re.MULTILINE))
    told = re.findall(r"`(\w+)`", rows)
    assert set(schema.metadata.tables[table].c.keys()) <= set(told)


def test_no_table_is_told_that_is_not_there() -> None:
    assert set(re.findall(r"^### Table `(\w+)`", PAGE, re.MULTILINE)) == set(schema.metadata.tables)


def test_version_and_states() -> None:
    assert f"# The cassette format, version {schema.VERSION}" in PAGE
    assert f"`0x{schema.APPLICATION_ID:x}`" in PAGE
    assert all(f"| `{state}` |" in PAGE for state in State)


def test_meta(tmp_path: Path) -> None:
    connection = sqlite3.connect(samples.record(tmp_path / "small.cassette"))
    names = [name for (name,) in connection.execute("SELECT name FROM meta")]
    connection.close()
    assert names
    assert all(f"| `{name}` |" in section("meta") for name in names)


def test_there_are_four_examples() -> None:
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_work(tmp_path: Path, example: str) -> None:
    program, file, statement = shlex.split(example)
    assert (program, file) == ("sqlite3", "peertape.cassette")
    connection = sqlite3.connect(samples.record(tmp_path / file))
    assert connection.execute(statement).fetchall()
    connection.close()
