"""Results as tables for a terminal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.comparing import Spread, figure, p50, p99, rate, ratio, usable
from benchmarks.measured import Measured
from benchmarks.results import PartResult
from benchmarks.sorts import Sort

COLUMNS = ("cold", "requests/s", "spread", "ratio", "spread", "p50", "p99", "memory", "on disk", "first answer")


def show(part: PartResult, console: Console) -> None:
    standard = next((one for one in part.measured if one.name == part.standard and usable(one)), None)
    effort = part.effort
    sizes = " to ".join(f"{size:,}" for size in sorted({one.exchanges for one in part.measured}))
    title = f"{part.title}: {sizes} exchanges, {effort.connections} connections, {effort.rounds} rounds"
    caption = f"ratio: requests per second of {standard.title} to it, in the same round" if standard else None
    table = Table(title=title, caption=caption)
    table.add_column("")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for one in part.measured:
        table.add_row(one.title, *cells(one, standard))
    console.print(table)
    if part.sorts:
        show_sorts(part.sorts, console)
    for one in part.measured:
        if one.why_not:
            console.print(f"{one.title}: {one.why_not}", style="yellow", markup=False)
    for verdict in part.verdicts:
        word = {True: "held", False: "MISSED", None: "not measured"}[verdict.held]
        style = {True: "green", False: "red", None: "yellow"}[verdict.held]
        found = f", found {verdict.found}" if verdict.found else ""
        console.print(
            f"{word}: {verdict.concerned}, {verdict.target}{found}", style=style, markup=False, highlight=False
        )


def cells(one: Measured, standard: Measured | None) -> list[str]:
    """One for each of COLUMNS. `standard` is the peer of which ratios are told."""
    if not one.loads:
        return ["-"] * len(COLUMNS)
    speed, shares = rate(one), ratio(standard, one) if standard is not None and standard.loads else None
    return [
        figure(one.warm_up[0].rate) if one.warm_up else "-",
        figure(speed.median),
        _range(speed),
        figure(shares.median) if shares else "-",
        _range(shares) if shares else "-",
        f"{figure(p50(one).median * 1000)} ms",
        f"{figure(p99(one).median * 1000)} ms",
        f"{figure(one.memory / 1e6)} MB" if one.memory else "-",
        f"{figure(one.stored / 1e6)} MB" if one.stored else "-",
        f"{one.started:.2f} s",
    ]


def show_sorts(sorts: Sequence[Sort], console: Console) -> None:
    head, rows = of_sorts(sorts)
    table = Table(title="Milliseconds of the processor for an answer, asked for the first time")
    for place, column in enumerate(head):
        table.add_column(column, justify="right" if place else "left")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def of_sorts(sorts: Sequence[Sort]) -> tuple[list[str], list[list[str]]]:
    """The head and the rows of a table."""
    head = ["", *(f"{size:,}" for size in sorts[0].sizes), "ratio", "spread"]
    rows = []
    for sort in sorts:
        medians = [figure(statistics.median(took) * 1000) if took else "-" for took in sort.took]
        ratio = sort.ratio if all(sort.took) else None
        rows.append([sort.title, *medians, figure(ratio.median) if ratio else "-", _range(ratio) if ratio else "-"])
    return head, rows


def _range(spread: Spread) -> str:
    return f"{figure(spread.least)} to {figure(spread.most)}"
