"""What the contracts refuse over the demo: each file of cases is about one area. The format stands in conftest.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proxy.engine.contracts.conftest import CASES, Asker, Row


@pytest.mark.parametrize("file", sorted(CASES.glob("*.txt")), ids=lambda file: file.stem)
def test_the_rules_say_what_peertube_says(asker: Asker, file: Path) -> None:
    rows = Row.of_file(file)
    assert rows
    assert [f"{row.asked} -> {asker.said(row.asked)}" for row in rows] == [f"{r.asked} -> {r.expected}" for r in rows]
