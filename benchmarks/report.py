"""The page of results, with its drawing, in `docs`: `uv run --group plots python -m benchmarks.report [FILE]`.

FILE is a file of results as `python -m benchmarks` keeps it; it becomes `docs/benchmarks.json`. Without one, the page
is made anew of that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks import table
from benchmarks.comparing import usable
from benchmarks.measured import Measured
from benchmarks.results import PartResult, Results

DOCS = Path(__file__).parents[1] / "docs"
METHOD = Path(__file__).with_name("method.md")
KEPT, PAGE, DRAWING = DOCS / "benchmarks.json", DOCS / "benchmarks.md", DOCS / "benchmarks.svg"

INTRODUCTION = """# Benchmarks

Measured by `uv run python -m benchmarks`; this page is made of [the results](benchmarks.json) by
`uv run --group plots python -m benchmarks.report`.

![Requests per second in ratios, and what growth costs](benchmarks.svg)
"""
SORTS = """What an answer takes by its sort, in milliseconds of the processor, in one process and asked for the first
time: before every question the cassette forgets what it found for others. Of a small cassette the rules are told all
once, of a large one what each question is about; so that what they have to be told first has a limit, not a ratio.
"""


def page(results: Results) -> str:
    parts = [INTRODUCTION, f"\nMeasured on: {results.machine.sentence}.\n", f"\n{_versions(results)}\n"]
    parts += [_section(part) for part in results.parts]
    return "".join([*parts, "\n", METHOD.read_text("utf-8")])


def _section(part: PartResult) -> str:
    standard = next((one for one in part.measured if one.name == part.standard and usable(one)), None)
    effort = part.effort
    lines = [
        f"\n## {part.title}\n",
        f"{effort.connections} connections, {effort.rounds} rounds of {effort.seconds:g} s, on {part.when[:10]}, "
        f"at a load average of {part.busy:.1f} before it. {_standard(standard)}\n",
        *_rows(["", *table.COLUMNS], ([one.title, *table.cells(one, standard)] for one in part.measured)),
    ]
    if part.sorts:
        lines += ["", SORTS, *_rows(*table.of_sorts(part.sorts))]
    if part.verdicts:
        words = {True: "held", False: "missed", None: "not measured"}
        rows = ([v.concerned, v.target, v.found or "-", words[v.held]] for v in part.verdicts)
        lines += ["", *_rows(["", "target", "found", ""], rows)]
    reasons = [f"- {one.title}: {one.why_not.splitlines()[0]}" for one in part.measured if one.why_not]
    return "\n".join([*lines, *([""] if reasons else []), *reasons, ""])


def _standard(standard: Measured | None) -> str:
    return f"The ratio is that of {standard.title} to each." if standard else "There is nothing to compare with."


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rule = "|" + "|".join("---" if column == 0 else "---:" for column in range(len(head))) + "|"
    return [f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(row)} |" for row in rows)]


def _versions(results: Results) -> str:
    measured = [one for part in results.parts for one in part.measured if one.version]
    found = {one.peer.replace(",", " ").split()[0]: one.version for one in measured}
    return (
        ", ".join(f"{name} {version}" for name, version in sorted(found.items(), key=lambda pair: pair[0].lower()))
        + "."
    )


def main() -> int:
    if len(sys.argv) > 2:
        print(__doc__, file=sys.stderr)
        return 2
    results = Results.read(Path(sys.argv[1]) if len(sys.argv) > 1 else KEPT)
    publish(results)
    return 0


def publish(results: Results) -> None:
    from benchmarks.plot import draw  # matplotlib is only there for those who draw

    draw(results, DRAWING)
    results.write(KEPT)
    PAGE.write_text(page(results), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
