"""Running a part: its cassette is made, its peers are measured, its demands judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import comparing, measuring, sorts
from benchmarks.machine import load_average
from benchmarks.measured import Effort
from benchmarks.parts.part import Part
from benchmarks.peers import process
from benchmarks.results import PartResult
from benchmarks.workload import Workload, workload


@contextmanager
def _asked(part: Part, cache: Path, effort: Effort) -> Iterator[Mapping[int, Workload]]:
    """What is asked, by the number of exchanges, with the part's upstream running if it wants one."""
    workloads = {number: workload(number, cache) for number in sorted({one.exchanges for one in part.contenders})}
    if part.upstream is None:
        yield workloads
        return
    of_upstream = workloads[part.upstream.exchanges]
    with process.running(part.upstream.peer, of_upstream, effort.patience) as upstream:
        address = f"http://{upstream.authority}"
        yield {number: replace(asked, upstream=address) for number, asked in workloads.items()}


def begun(part: Part, effort: Effort) -> PartResult:
    """The result of a part that is not measured yet."""
    return PartResult(
        name=part.name,
        title=part.title,
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        busy=load_average(),
        standard=part.standard,
        effort=replace(effort, rounds=min(effort.rounds, part.rounds or effort.rounds)),
    )


def run(part: Part, result: PartResult, wrk: str, cache: Path, terminal: Console) -> None:
    """Fills the result, as far as it comes where it is interrupted."""
    columns = (TextColumn(part.title), BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with (
        _asked(part, cache, result.effort) as workloads,
        Progress(*columns, console=terminal, transient=True) as bar,
    ):
        steps = measuring.steps(part, result.effort) + (len(sorts.SORTS) * result.effort.rounds if part.sorted else 0)
        task = bar.add_task("", total=steps)

        def progress(what: str, step: bool) -> None:
            bar.update(task, description=what, advance=1 if step else 0)

        try:
            measuring.measure(part, workloads, result.effort, wrk, progress, result.measured)
            if cassettes := {size: workloads[size].cassette for size in part.sorted}:
                step = partial(progress, "every sort of answer in turn", True)
                sorts.measure(cassettes, result.effort.rounds, result.sorts, step)
        finally:
            found = {one.name: one for one in result.measured}
            result.verdicts = [comparing.verdict(target, found) for target in part.targets]
            if part.targets and len(part.sorted) > 1:
                result.verdicts += [sort.verdict for sort in result.sorts if all(sort.took)]
