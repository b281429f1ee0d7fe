"""How fast exchanges are written, and what they take on the disk: `uv run python -m benchmarks.writing [RECORDINGS]`.

Recording (the queue that the proxy feeds) and importing (`peertape cassette import` of a flow file and of a HAR file,
reading them included) stand beside mitmproxy's own reading and writing of the same flows, and beside what no import
does without: reading the JSON, and inserting the same rows. Rates are by the clock on the wall, since an import has two
processes: nothing else should run beside. In RECORDINGS (by default the sessions of a real PeerTube beside this
repository, where they are) each flow file is imported, and the size of the cassette told.
"""

from __future__ import annotations

import gc
import io
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Self

import click
from mitmproxy.io import FlowReader, FlowWriter
from rich.console import Console
from rich.table import Table

from benchmarks import grown
from benchmarks.machine import Machine
from peertape.cassettes.bodies import read
from peertape.cassettes.interchange import formats
from peertape.cassettes.model import Exchange
from peertape.cassettes.places import place_of
from peertape.cassettes.recording import Recording
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.sqlite import opening
from peertape.cassettes.storage import GROUP
from peertape.cassettes.writer import CassetteWriter
from peertape.proxy.cli.root import cli

SHARED = Path(__file__).parents[2] / "shared" / "recordings"
EXCHANGES = 5000
SMALL = 2048  # octets of both bodies
ROUNDS = 5
WAYS = {
    "record": 2000,  # exchanges per second: the limits
    "import of a flow file": 5000,
    "import of a HAR file": 5000,
    "mitmproxy reads the flow file": 0,
    "mitmproxy writes the flow file": 0,
    "json reads the HAR file": 0,
    "SQLite inserts the rows of an import": 0,
}


@dataclass(frozen=True, slots=True)
class Material:
    """So many exchanges in two files, and the folder that these are in."""

    number: int
    flows: Path
    har: Path
    folder: Path

    @classmethod
    def made(cls, exchanges: int, folder: Path) -> Self:
        """In another process, so that this one is not the larger for it."""
        with ProcessPoolExecutor(1, get_context("spawn")) as other:
            return other.submit(cls.of, exchanges, folder).result()

    @classmethod
    def of(cls, number: int, folder: Path) -> Self:
        exchanges = small_exchanges(number)
        flows, har = folder / "small.mitm", folder / "small.har"
        formats.write(exchanges, flows, formats.Format.MITMPROXY)
        formats.write(exchanges, har, formats.Format.HAR)
        return cls(len(exchanges), flows, har, folder)


def small_exchanges(number: int) -> list[Exchange]:
    """Of what `grown` makes, those with bodies of 2 KB at most."""
    found: list[Exchange] = []
    asked = number
    while len(found) < number:
        asked *= 2
        found = [exchange for exchange in grown.made(asked) if _octets(exchange) <= SMALL]
    return found[:number]


def _octets(exchange: Exchange) -> int:
    return exchange.request.body.size + (exchange.response.body.size if exchange.response else 0)


def record(exchanges: Iterable[Exchange], folder: Path) -> None:
    failures: list[str] = []
    recording = Recording(_new(folder), RedactionRules.default(), upstream=grown.ORIGIN, on_failure=failures.append)
    for exchange in exchanges:
        entry = recording.begin(exchange.request, exchange.timing.started)
        if exchange.request.body.size:
            entry.request_data(read(exchange.request.body))
        entry.request_end(exchange.timing.sent, exchange.request.trailers)
        assert exchange.response is not None
        entry.response_head(exchange.response, exchange.timing.answering, None)
        entry.response_data(read(exchange.response.body))
        entry.end(exchange.state, exchange.timing.answered)
    recording.close()
    if failures:
        raise SystemExit(failures[0])


def import_file(file: Path, folder: Path) -> None:
    cli.main(["cassette", "import", str(_new(folder)), str(file)], standalone_mode=False)


def read_flows(flows: Path) -> None:
    with flows.open("rb") as file:
        for _ in FlowReader(file).stream():
            pass


def write_flows(flows: Iterable[object]) -> None:
    writer = FlowWriter(io.BytesIO())
    for flow in flows:
        writer.add(flow)  # type: ignore[arg-type]


def read_json(har: Path) -> None:
    json.loads(har.read_bytes())


@dataclass(frozen=True, slots=True)
class Rows:
    """Those of one table, in the order in which an import writes them, and the statement that adds one."""

    statement: str
    rows: Sequence[tuple[object, ...]]

    @classmethod
    def of(cls, cassette: Path) -> list[Self]:
        with closing(sqlite3.connect(cassette)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            return [cls._of_table(connection, table) for (table,) in tables if table != "meta"]

    @classmethod
    def _of_table(cls, connection: sqlite3.Connection, table: str) -> Self:
        rows = connection.execute(f"SELECT * FROM {table}{' ORDER BY exchange' * (table == 'mentions')}").fetchall()
        return cls(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})" if rows else "", rows)

    def group(self, number: int, groups: int) -> Sequence[tuple[object, ...]]:
        return self.rows[len(self.rows) * number // groups : len(self.rows) * (number + 1) // groups]


def insert(tables: Sequence[Rows], groups: int, folder: Path) -> None:
    """Into a new cassette, whose schema is made meanwhile."""
    place = place_of(_new(folder))
    engine = place.open_writer()
    with closing(engine.raw_connection()) as connection:
        connection.cursor().execute("PRAGMA foreign_keys = OFF")  # the groups of two tables do not match to the row
        for number in range(groups):
            connection.cursor().execute("BEGIN")
            for table in tables:
                if rows := table.group(number, groups):
                    connection.cursor().executemany(table.statement, rows)
            connection.commit()
    place.close_writer(engine)


def _new(folder: Path) -> Path:
    path = folder / "new.cassette"
    opening.remove(path)
    return path


def rates(material: Material, rounds: int) -> dict[str, list[float]]:
    """Exchanges per second, of each way by rounds.

    Imports come first: a process that holds flows or exchanges takes longer to fork than one that a user starts.
    """
    found = _in_turns(
        {
            "import of a flow file": lambda: import_file(material.flows, material.folder),
            "import of a HAR file": lambda: import_file(material.har, material.folder),
        },
        material,
        rounds,
    )
    import_file(material.flows, material.folder)
    tables = Rows.of(material.folder / "new.cassette")
    exchanges = small_exchanges(material.number)
    with material.flows.open("rb") as file:
        flows = list(FlowReader(file).stream())
    return found | _in_turns(
        {
            "record": lambda: record(exchanges, material.folder),
            "mitmproxy reads the flow file": lambda: read_flows(material.flows),
            "mitmproxy writes the flow file": lambda: write_flows(flows),
            "json reads the HAR file": lambda: read_json(material.har),
            "SQLite inserts the rows of an import": lambda: insert(
                tables, max(material.number // GROUP, 1), material.folder
            ),
        },
        material,
        rounds,
    )


def _in_turns(ways: Mapping[str, Callable[[], None]], material: Material, rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            _new(material.folder)  # to remove the last one is no part of it
            gc.collect()  # nor is what the way before has left: mitmproxy's flows lie in cycles
            begun = time.perf_counter()
            way()
            if number:  # the first one reads what is read once
                found[name].append(material.number / (time.perf_counter() - begun))
    return found


def rate_table(found: dict[str, list[float]]) -> Table:
    table = Table("way", "exchanges per second", "lowest and highest", "limit", title="Writing small exchanges")
    for name, rounds in found.items():
        limit = f"{WAYS[name]:,}" if WAYS[name] else ""
        table.add_row(name, f"{statistics.median(rounds):,.0f}", f"{min(rounds):,.0f} to {max(rounds):,.0f}", limit)
    return table


def size_table(recordings: Path, folder: Path) -> Table:
    table = Table("session", "exchanges", "flow file", "cassette", "of the flow file", "bodies, each once", "of these")
    for file in sorted(recordings.glob("*.mitm")):
        path = _new(folder)
        writer = CassetteWriter(path, RedactionRules.default())
        count = sum(1 for exchange in formats.read(file) if writer.add(exchange))
        writer.close()
        with closing(sqlite3.connect(path)) as connection:
            (bodies,) = connection.execute("SELECT total(size) FROM bodies").fetchone()
        flow_file, size = file.stat().st_size, path.stat().st_size
        table.add_row(
            file.stem,
            f"{count:,}",
            f"{flow_file:,}",
            f"{size:,}",
            f"{size / flow_file:.2f}",
            f"{bodies:,.0f}",
            f"{size / bodies:.2f}",
        )
    return table


@click.command()
@click.argument("recordings", type=click.Path(path_type=Path), default=SHARED)
@click.option("--rounds", type=click.IntRange(1), default=ROUNDS, show_default=True)
@click.option("--exchanges", type=click.IntRange(1), default=EXCHANGES, show_default=True)
def command(recordings: Path, rounds: int, exchanges: int) -> None:
    """Rates of writing, and sizes of cassettes. Exit code 1: a rate is under its limit."""
    console = Console(width=140)
    console.print(Machine.this().sentence)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = rates(Material.made(exchanges, folder), rounds)
        console.print(rate_table(found))
        if recordings.is_dir():
            console.print(size_table(recordings, folder))
    if any(statistics.median(found[way]) < limit for way, limit in WAYS.items()):
        raise SystemExit(1)


if __name__ == "__main__":
    command()
