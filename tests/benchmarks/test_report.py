"""The published page is what the published results say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from xml.etree import ElementTree

from support.clients import lacking

from benchmarks.report import KEPT, PAGE, page
from benchmarks.results import Results


def test_the_page_is_made_of_the_results() -> None:
    command = "run `uv run --group plots python -m benchmarks.report`"
    assert PAGE.read_text("utf-8") == page(Results.read(KEPT)), command


def test_results_come_back_as_they_were_written(tmp_path: Path) -> None:
    results = Results.read(KEPT)
    results.write(tmp_path / "results.json")
    assert (tmp_path / "results.json").read_bytes() == KEPT.read_bytes()


def test_the_drawing_has_the_readers_colours_and_a_bar_for_each(tmp_path: Path) -> None:
    if importlib.util.find_spec("matplotlib") is None:
        lacking("matplotlib is not installed; `uv sync --group plots` brings it")
    from benchmarks.plot import INK, draw

    results = Results.read(KEPT)
    draw(results, tmp_path / "drawing.svg")
    text = (tmp_path / "drawing.svg").read_text("utf-8")
    ElementTree.fromstring(text)
    assert INK not in text
    for one in results.parts[0].measured[1:]:
        if not one.why_not:
            assert one.title in text
