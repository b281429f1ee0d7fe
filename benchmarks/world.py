"""How long the twin takes to learn what a cassette tells of the instance: `uv run python -m benchmarks.world [FILE]`.

Over the bundled demo, or the cassette FILE: all of it, and then each exchange that is recorded beside it.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from peertape.cassettes import demo
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.twin.contract import book
from peertape.proxy.engine.twin.history import History

EACH = 0.001  # seconds of processor time that an exchange may take at first
ONE_MORE = 0.02  # seconds that one more may take, however many there are
TIMES = 5


def main() -> int:
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else demo.path()
    with TemporaryDirectory(prefix="peertape-benchmark-") as folder:
        path = Path(shutil.copy(source, folder))
        cassette, writer = Cassette(path), CassetteWriter(path, RedactionRules.default())
        count = cassette.count()
        whole = statistics.median(took(lambda: learned(cassette)) for _ in range(TIMES))
        history, more = learned(cassette), []
        again = next(e for e in cassette.exchanges() if e.request.target.startswith("/api/v1/videos") and e.response)
        at = max(candidate.answered_at or 0.0 for candidate in cassette.candidates())
        for number in range(1, TIMES + 1):
            writer.add(replace(again, timing=replace(again.timing, answered=at + number)))
            writer.commit()
            more.append(took(lambda: history.world(Session("benchmark"))))
        writer.close()
        cassette.close()
    print(
        f"the world of {count} exchanges: {whole:.2f} s ({whole / count * 1e6:.0f} us each); "
        f"one more: {statistics.median(more) * 1e3:.1f} ms; limits {EACH * 1e6:.0f} us and {ONE_MORE * 1e3:.0f} ms"
    )
    return 0 if whole < EACH * count and statistics.median(more) < ONE_MORE else 1


def learned(cassette: Cassette) -> History:
    history = History(Shelf([cassette]), book("6.3"))
    history.world(Session("benchmark"))
    return history


def took(do: Callable[[], object]) -> float:
    """Seconds of processor time."""
    begin = time.process_time()
    do()
    return time.process_time() - begin


if __name__ == "__main__":
    sys.exit(main())
