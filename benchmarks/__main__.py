"""`uv run python -m benchmarks`: peertape beside the programs that one could take instead."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from benchmarks import cache, running, table
from benchmarks.load import LoadError
from benchmarks.machine import Machine
from benchmarks.measured import Effort
from benchmarks.parts import PARTS
from benchmarks.peers.peer import Conditions
from benchmarks.results import PartResult, missed, results_for

INTERRUPTED = 130
SMALL = Effort(rounds=1, seconds=1, warm_up=0, connections=8, patience=60)
SMALL_EXCHANGES = 200
WIDTH = 180  # of tables in a file
USUAL = Effort()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", "names", type=click.Choice(list(PARTS)), multiple=True, help="This part; may be repeated.")
@click.option("--peer", "chosen", multiple=True, metavar="NAME", help="This peer of the parts; may be repeated.")
@click.option("--rounds", type=click.IntRange(1), help=f"How often each peer has its turn.  [default: {USUAL.rounds}]")
@click.option("--seconds", type=click.IntRange(1), help=f"How long a turn is.  [default: {USUAL.seconds:g}]")
@click.option("--connections", type=click.IntRange(1), help=f"At the same time.  [default: {USUAL.connections}]")
@click.option("--exchanges", type=click.IntRange(1), default=10_000, show_default=True, help="In the cassette.")
@click.option(
    "--largest", type=click.IntRange(1), default=100_000, show_default=True, help="In that of the part growth."
)
@click.option("--small", is_flag=True, help="Seconds, to see that it works: nothing is installed, no target counts.")
@click.option("--results", "path", type=click.Path(path_type=Path), help="The file of results (JSON).")
@click.option("--cache", "folder", type=click.Path(path_type=Path), help="The folder of peers and cassettes.")
def command(
    names: Sequence[str],
    chosen: Sequence[str],
    exchanges: int,
    largest: int,
    small: bool,
    path: Path | None,
    folder: Path | None,
    **effort: int | None,
) -> None:
    """Measure peertape beside its peers: the same recorded exchanges, the same load, in turns.

    What is missing is installed into a folder outside of the project, from npm, PyPI and Debian. Answers are looked at
    before and after. A ratio is of one round, so that what else the machine does hits both; told is the median of the
    rounds, with the lowest and the highest. Ctrl-C keeps what was measured. Exit code 1: a target was missed.

    \b
      uv run python -m benchmarks
      uv run python -m benchmarks --only fast-lane --rounds 3
      uv run python -m benchmarks --only fast-lane --peer serve --peer granian-empty
    """
    console, terminal = Console(width=None if sys.stdout.isatty() else WIDTH), Console(stderr=True)
    folder = folder or cache.default_folder()
    if small:
        exchanges, largest = min(exchanges, SMALL_EXCHANGES), min(largest, SMALL_EXCHANGES)
    conditions = Conditions(folder, exchanges, largest, install=not small)
    wanted = replace(SMALL if small else USUAL, **{name: value for name, value in effort.items() if value})
    parts = [PARTS[name](conditions) for name in names or PARTS]
    known = dict.fromkeys(one.peer.name for part in parts for one in part.contenders)
    if chosen:
        parts = [part.only(chosen) for part in parts]
    if small:
        parts = [replace(part, targets=()) for part in parts]
    if unknown := set(chosen) - known.keys():
        raise click.UsageError(f"No such peer: {', '.join(sorted(unknown))}; there are {', '.join(known)}.")
    machine = Machine.this()
    console.print(machine.sentence, markup=False, highlight=False)
    if path is None and not small:
        path = folder / "results.json"
    results, done, code = results_for(machine, path), list[PartResult](), 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # or the peers would be left running
    try:
        wrk = cache.program("wrk", "wrk", install=conditions.install)
        for part in (part for part in parts if part.contenders):
            done.append(running.begun(part, wanted))
            try:
                running.run(part, done[-1], wrk, folder, terminal)
            finally:
                table.show(done[-1], console)
                if path is not None:
                    results.add(done[-1])
                    results.write(path)
    except (cache.Unavailable, LoadError) as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        terminal.print("Interrupted; the tables show what was measured until then.")
        code = INTERRUPTED
    if path is not None:
        report = f"uv run --group plots python -m benchmarks.report {path}"
        told = f"The results are in {path}; `{report}` publishes them in docs."
        console.print(told, markup=False, highlight=False, soft_wrap=True)
    sys.exit(code or (1 if missed(done) else 0))


if __name__ == "__main__":
    command()
