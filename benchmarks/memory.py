"""How much memory a 1 GB film costs, recorded and replayed whole: `uv run python -m benchmarks.memory [MEGABYTES]`."""

from __future__ import annotations

import sys
import time

from benchmarks.film import BLOCK, download, recording, started

LIMIT = 150 * 1024 * 1024


def main() -> int:
    size = int(sys.argv[1]) * BLOCK if len(sys.argv) > 1 else 1024 * BLOCK
    with recording(size) as app:
        before = app.memory_peak()
        begin = time.perf_counter()
        assert download(app)[:2] == (200, size)
        recorded, took = app.memory_peak() - before, time.perf_counter() - begin
        assert app.stop() == 0, app.said
        replay = started(app.folder, "replay", app.cassette)
        before = replay.memory_peak()
        begin = time.perf_counter()
        assert download(replay)[:2] == (200, size)
        replayed, again = replay.memory_peak() - before, time.perf_counter() - begin
        replay.stop()
    print(
        f"{size // BLOCK} MB: recording adds {recorded / BLOCK:.0f} MB of memory ({size / BLOCK / took:.0f} MB/s), "
        f"replaying {replayed / BLOCK:.0f} MB ({size / BLOCK / again:.0f} MB/s); limit {LIMIT // BLOCK} MB"
    )
    return 0 if max(recorded, replayed) < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
