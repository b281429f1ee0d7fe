"""Results as a drawing, readable on light and dark pages: ratios on a logarithmic axis, and growth as curves from 0."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from benchmarks.comparing import Quantity, Spread, rate, ratio, usable
from benchmarks.measured import Measured
from benchmarks.results import PartResult, Results

INK, PAPER, OURS, THEIRS = "#010203", "#fcfdfe", "#cc6600", ("#6688aa", "#55aa77", "#aa6699")
GROWTH = "growth"
# The colours of the reader's page: matplotlib knows one set, the drawing two.
STYLE = """<style>
:root { --ink: #222; --paper: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #0d1117 } }
</style>"""


def draw(results: Results, path: Path) -> None:
    ratios = [part for part in results.parts if part.name != GROWTH and _compared(part)]
    grown = next((part for part in results.parts if part.name == GROWTH), None)
    with mpl.rc_context(_settings()):
        heights = [len(_compared(part)) + 1.5 for part in ratios] + ([7.0] if grown else [])
        figure = Figure(figsize=(9, 0.33 * sum(heights) + 0.5), layout="constrained", facecolor=PAPER)
        rows = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        for part, row in zip(ratios, rows, strict=False):
            row.set_facecolor("none")
            _bars(part, row.subplots(), _limits(ratios))
        if grown is not None:
            rows[-1].set_facecolor("none")
            left, right = rows[-1].subplots(1, 2)
            _curves(grown, left, "requests per second", lambda one: rate(one).median)
            _curves(grown, right, "memory, MB", lambda one: Quantity.MEMORY.of(one) / 1e6)
            left.legend(fontsize=8, frameon=False)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    text = written.getvalue().replace(INK, "var(--ink)").replace(PAPER, "var(--paper)")
    text = "\n".join(line.rstrip() for line in text.splitlines())
    path.write_text(text.replace("<defs>", f"{STYLE}\n<defs>", 1) + "\n", "utf-8")


def _settings() -> dict[Any, Any]:
    """matplotlib's; without anything that differs from one run to the next."""
    coloured = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    return {
        **dict.fromkeys(coloured, INK),
        "axes.facecolor": "none",
        "font.family": "sans-serif",
        "font.size": 10,
        "svg.fonttype": "none",
        "svg.hashsalt": "peertape",
    }


def _compared(part: PartResult) -> list[tuple[Measured, Spread]]:
    """All but the one in ratios of which they are told."""
    standard = next((one for one in part.measured if one.name == part.standard and usable(one)), None)
    if standard is None:
        return []
    return [(one, ratio(standard, one)) for one in part.measured if one is not standard and usable(one)]


def _limits(parts: Sequence[PartResult]) -> tuple[float, float]:
    """Of the axis of ratios, which is the same for all, with room for the figures beside the bars."""
    spreads = [spread for part in parts for _, spread in _compared(part)]
    return min(0.5, *(0.7 * spread.least for spread in spreads)), max(2, *(2 * spread.most for spread in spreads))


def _bars(part: PartResult, axes: Axes, limits: tuple[float, float]) -> None:
    compared = sorted(_compared(part), key=lambda pair: pair[1].median)
    standard = next(one for one in part.measured if one.name == part.standard)
    for place, (_, spread) in enumerate(compared):
        colour = OURS if spread.median >= 1 else THEIRS[0]
        axes.barh(place, spread.median - 1, left=1, color=colour, height=0.6)
        axes.plot([spread.least, spread.most], [place, place], color=INK, linewidth=1)
        axes.annotate(f" {spread.median:.3g} ", (max(spread.most, 1), place), va="center", ha="left", fontsize=9)
    axes.set_xscale("log")
    axes.set_xlim(*limits)
    axes.axvline(1, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(compared)), [one.title for one, _ in compared])
    axes.set_title(f"{standard.title} answers so many times as many requests per second as", loc="left", fontsize=10)
    _bare(axes)


def _curves(part: PartResult, axes: Axes, title: str, value: Callable[[Measured], float]) -> None:
    others = iter(THEIRS)
    for name, points in _by_peer(part).items():
        ours = name.startswith("peertape")
        axes.plot(
            [one.exchanges for one in points],
            [value(one) for one in points],
            marker="o",
            markersize=4,
            color=OURS if ours else next(others),
            linewidth=2 if ours else 1.2,
            label=name,
        )
    axes.set_xscale("log")
    axes.set_ylim(0, 1.1 * axes.dataLim.ymax)  # or what changes little would look as if it fell to nothing
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("exchanges in the cassette")
    axes.set_title(title, loc="left", fontsize=10)
    _bare(axes)


def _by_peer(part: PartResult) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {}
    for one in sorted(filter(usable, part.measured), key=lambda one: one.exchanges):
        found.setdefault(one.peer, []).append(one)
    return found


def _bare(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            axis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
            axis.set_minor_formatter(NullFormatter())
