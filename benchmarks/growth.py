"""What the size of a cassette costs: `uv run python -m benchmarks.growth [EXCHANGES ...]`.

Over cassettes of 1,000, 100,000 and 1,000,000 exchanges (`grown.py`) in a folder outside of the project, each sort of
answer is asked for in turns (`sorts.py`). A ratio is that of the largest to the smallest cassette, of the same round;
told is the median. Exit code 1: a sort takes too long in the largest one. What the sizes cost a server, its start and
its memory, `python -m benchmarks --only growth --peer serve` tells.
"""

from __future__ import annotations

import logging
import sys

from rich.console import Console

from benchmarks import cache, machine, sorts, table, workload
from peertape.proxy.cli import progress

SIZES = (1_000, 100_000, 1_000_000)
ROUNDS = 5


def main() -> int:
    logging.disable(logging.WARNING)
    sizes = sorted(map(int, sys.argv[1:])) or SIZES
    cassettes = {size: workload.cassette_of(size, cache.default_folder()) for size in sizes}
    found: list[sorts.Sort] = []
    steps = ROUNDS * len(sorts.SORTS)
    with progress.exchanges("asking", steps) as show:
        done = 0

        def step() -> None:
            nonlocal done
            done += 1
            show(done, steps)

        sorts.measure(cassettes, ROUNDS, found, step)
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(machine.Machine.this().sentence, markup=False, highlight=False)
    table.show_sorts(found, console)
    missed = [sort.verdict for sort in found if not sort.verdict.held]
    for one in missed:
        console.print(f"MISSED: {one.concerned}, {one.target}, found {one.found}", markup=False, highlight=False)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
