"""How long commands take: `peertape --help` and the like to their end, the lanes to their first answer.

    uv run python -m benchmarks.startup [ROUNDS]

Beside `python -c pass`, in turns; a ratio is of one round. Python may write bytecode, as it does wherever peertape is
installed: the round that writes it does not count.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("peertape"))
BARE = "python -c pass"
ENDING: Mapping[str, Sequence[str]] = {
    BARE: (sys.executable, "-c", "pass"),
    "peertape --help": (PROGRAM, "--help"),
    "peertape cassette ls demo": (PROGRAM, "cassette", "ls", "demo"),
    "peertape errors": (PROGRAM, "errors"),
    "peertape ca": (PROGRAM, "ca"),
    "import mitmproxy (which `replay` needs)": (sys.executable, "-c", "import mitmproxy.tools.dump"),
}
ANSWERING: Mapping[str, Sequence[str]] = {
    "peertape serve, first answer": (PROGRAM, "serve", "--listen", "127.0.0.1:0"),
    "peertape replay, first answer": (PROGRAM, "replay", "--listen", "127.0.0.1:0"),
}
ASKED = "/api/v1/videos?count=15"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    measured = measure(rounds)
    print(f"{'':42}{'seconds':>9}{'(lowest':>10}{'highest)':>10}{f'of {BARE}':>20}")
    for name, taken in measured.items():
        ratio = statistics.median(one / bare for one, bare in zip(taken, measured[BARE], strict=True))
        print(f"{name:42}{statistics.median(taken):9.3f}{min(taken):10.3f}{max(taken):10.3f}{ratio:20.1f}")


def measure(rounds: int) -> dict[str, list[float]]:
    """Seconds of every round, by what was done."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "HOME": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        taken: dict[str, list[float]] = {name: [] for name in (*ENDING, *ANSWERING)}
        for number in range(rounds + 1):
            for name, command in ENDING.items():
                taken[name] += [_to_the_end(command, folder, environment)][: 1 if number else 0]
            for name, command in ANSWERING.items():
                taken[name] += [_to_the_first_answer(command, folder, environment)][: 1 if number else 0]
    return taken


def _to_the_end(command: Sequence[str], folder: str, environment: Mapping[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(
        command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def _to_the_first_answer(command: Sequence[str], folder: str, environment: Mapping[str, str]) -> float:
    start = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        with urllib.request.urlopen(url + ASKED) as answer:
            answer.read()
        taken = time.perf_counter() - start
        process.send_signal(signal.SIGINT)
    return taken


if __name__ == "__main__":
    main()
