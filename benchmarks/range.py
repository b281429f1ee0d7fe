"""How soon a Range near the end of a recorded film is answered: `uv run python -m benchmarks.range [MEGABYTES]`."""

from __future__ import annotations

import statistics
import sys

from benchmarks.film import BLOCK, download, recording, started

LIMIT = 0.1  # seconds
TIMES = 20


def main() -> int:
    size = int(sys.argv[1]) * BLOCK if len(sys.argv) > 1 else 1024 * BLOCK
    with recording(size) as app:
        download(app)
        assert app.stop() == 0, app.said
        replay = started(app.folder, "replay", app.cassette)
        took = []
        for number in range(TIMES):
            start = size - (number + 2) * 1000
            status, length, first = download(replay, f"Range: bytes={start}-{start + 999}")
            assert (status, length) == (206, 1000)
            took.append(first)
        big = download(replay, f"Range: bytes={size - 2 * BLOCK}-")
        assert big[:2] == (206, 2 * BLOCK)
        replay.stop()
    print(
        f"a Range near the end of {size // BLOCK} MB: {took[0] * 1000:.1f} ms to the first byte at first, "
        f"{statistics.median(took) * 1000:.1f} ms then, {max(took) * 1000:.1f} ms at most; "
        f"the last 2 MB: {big[2] * 1000:.1f} ms; limit {LIMIT * 1000:.0f} ms"
    )
    return 0 if max(*took, big[2]) < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
