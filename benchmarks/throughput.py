"""A film from a replay against the same file from nginx: `uv run python -m benchmarks.throughput [MEGABYTES]`.

Needs nginx (Debian: nginx-light), curl and openssl. Each round fetches the film from either by every way, one right
after the other, and a ratio is of one round: what else the machine does hits both alike.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.film import BLOCK, started
from benchmarks.nginx import serving

LIMIT = 0.5  # of nginx, over plain HTTP
GROWTH = 100 * BLOCK
FILM = "/film.mp4"


@dataclass(slots=True)
class Way:
    """How the film travels: curl's arguments for nginx, and for peertape; octets per second, round by round."""

    name: str
    nginx: Sequence[str]
    peertape: Sequence[str]
    speeds: list[tuple[float, float]] = field(default_factory=list)

    def told(self) -> str:
        ratios = [ours / theirs for theirs, ours in self.speeds]
        theirs, ours = (statistics.median(speeds) / BLOCK for speeds in zip(*self.speeds, strict=True))
        return (
            f"{self.name}: nginx {theirs:.0f} MB/s, peertape {ours:.0f} MB/s, "
            f"ratio {self.ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )

    @property
    def ratio(self) -> float:
        return statistics.median(ours / theirs for theirs, ours in self.speeds)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("megabytes", nargs="?", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args()
    with TemporaryDirectory(prefix="peertape-benchmark-") as name:
        folder = Path(name)
        size = make_film(folder / "files", chosen.megabytes)
        with serving(folder) as nginx:
            record(folder, nginx.plain)
            app = started(folder, "replay", folder / "peertape.cassette", "--forward", "127.0.0.1:0", "--limits", "off")
            forward = ["--proxy", "http://{}:{}".format(*app.forward)]
            ways = [
                Way("http", [nginx.plain], [app.url]),
                Way(
                    "https",
                    ["--http1.1", nginx.secure],
                    ["--http1.1", *forward, nginx.plain.replace("http:", "https:")],
                ),
                Way(
                    "https, HTTP/2",
                    ["--http2", nginx.secure],
                    ["--http2", *forward, nginx.plain.replace("http:", "https:")],
                ),
            ]
            before = app.memory_peak()
            peaks = []
            for _ in range(chosen.rounds):
                for way in ways:
                    way.speeds.append((fetch(way.nginx, size), fetch(way.peertape, size)))
                peaks.append(app.memory_peak() - before)
            assert app.stop() == 0, app.said
    for way in ways:
        print(way.told())
    print(f"memory: {peaks[0] / BLOCK:.0f} MB more after the first round, {peaks[-1] / BLOCK:.0f} MB after the last")
    return 0 if ways[0].ratio >= LIMIT and peaks[-1] < GROWTH else 1


def make_film(folder: Path, megabytes: int) -> int:
    """Noise, which does not compress; its octets."""
    folder.mkdir()
    noise = random.Random(1)
    with (folder / FILM[1:]).open("wb") as file:
        for _ in range(megabytes):
            file.write(noise.randbytes(BLOCK))
    return megabytes * BLOCK


def record(folder: Path, upstream: str) -> None:
    app = started(folder, "record", "--upstream", upstream)
    fetch([app.url], (folder / "files" / FILM[1:]).stat().st_size)
    assert app.stop() == 0, app.said


def fetch(arguments: Sequence[str], size: int) -> float:
    """Octets per second; the last argument is the origin."""
    *options, origin = arguments
    command = ["curl", "--silent", "--show-error", "--insecure", "--output", "/dev/null"]
    said = subprocess.run(
        [*command, "--write-out", "%{http_code} %{size_download} %{speed_download}", *options, origin + FILM],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    status, octets, speed = said.split()
    if (status, int(octets)) != ("200", size):
        raise SystemExit(f"{arguments} gave {octets} octets with status {status}")
    return float(speed)


if __name__ == "__main__":
    sys.exit(main())
