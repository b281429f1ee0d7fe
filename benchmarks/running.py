"""Running a part: its cassette is made, its peers are measured, its demands judged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import comparing, measuring
from benchmarks.machine import load_average
from benchmarks.measured import Effort
from benchmarks.parts.part import Part
from benchmarks.peers import process
from benchmarks.results import PartResult
from benchmarks.workload import Workload, workload


@contextmanager
def _upstream(part: Part, asked: Workload, effort: Effort) -> Iterator[Workload]:
    """What is asked, with the part's upstream running, if it wants one."""
    if part.upstream is None:
        yield asked
        return
    with process.running(part.upstream, asked, effort.patience) as upstream:
        yield replace(asked, upstream=f"http://{upstream.authority}")


def begun(part: Part, effort: Effort) -> PartResult:
    """The result of a part that is not measured yet."""
    return PartResult(
        name=part.name,
        title=part.title,
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        busy=load_average(),
        exchanges=part.exchanges,
        standard=part.standard,
        effort=effort,
    )


def run(part: Part, result: PartResult, wrk: str, cache: Path, terminal: Console) -> None:
    """Fills the result, as far as it comes where it is interrupted."""
    asked = workload(part.exchanges, cache)
    columns = (TextColumn(part.title), BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=terminal, transient=True) as bar:
        task = bar.add_task("", total=measuring.steps(part, result.effort))

        def progress(what: str, step: bool) -> None:
            bar.update(task, description=what, advance=1 if step else 0)

        try:
            with _upstream(part, asked, result.effort) as asked:
                measuring.measure(part, asked, result.effort, wrk, progress, result.measured)
        finally:
            found = {one.name: one for one in result.measured}
            result.verdicts = [comparing.verdict(demand, found) for demand in part.demands]
