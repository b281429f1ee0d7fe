"""What it costs to have sessions together: `uv run python -m benchmarks.state [REDIS_URL]`.

One engine after the other answers the same requests: with sessions in this process, in a file, and in a Redis, in turn.
A Redis of Debian's is started, unless a URL names one. Told are medians over the rounds, and the spread.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from peertape.cassettes.headers import Headers
from peertape.config.settings import Settings
from peertape.proxy.cli import assembly
from peertape.proxy.cli.opencassettes import open_cassettes
from peertape.proxy.engine.journal import Entry
from peertape.proxy.engine.limits.counters import Charge
from peertape.proxy.engine.model import Request
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.state.interface import Prepared

ROUNDS, EACH = 7, 200
HOST = Headers((("Host", "127.0.0.1:9100"),))
READ = Request("GET", "/api/v1/config/about", HOST, client="192.0.2.1", port=9100)
WRITE = Request("POST", "/api/v1/users/ask-reset-password", HOST, client="192.0.2.1", port=9100)


def main() -> int:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="peertape-")))
        url = sys.argv[1] if len(sys.argv) > 1 else stack.enter_context(redis(folder))
        places = {
            "process": None,
            "file": f"sqlite:///{folder}/state",
            "redis": f"{url}?prefix=benchmark-{time.time()}",
        }
        acts = {
            f"{what}, sessions in {name}" if name == "process" else f"{what}, in {name}": act
            for name, place in places.items()
            for what, act in doings(stack, place).items()
        }
        times: dict[str, list[float]] = {name: [] for name in acts}
        for _ in range(ROUNDS):
            for name, act in acts.items():
                times[name].append(took(act))
    for name, measured in sorted(times.items()):
        print(f"{name:32} {statistics.median(measured):7.0f} us ({min(measured):.0f} to {max(measured):.0f})")
    return 0


def doings(stack: ExitStack, place: str | None) -> dict[str, Callable[[], object]]:
    settings = Settings(state=place, limits="peertube*1000000")
    parts = stack.enter_context(assembly.parts(settings, open_cassettes((), settings)))
    engine = parts.engine(parts.replay_stages(lambda: parts.actions("serve")))
    session = parts.sessions.get("default")
    return {
        "a read": lambda: engine.answer(READ, session),
        "a write": lambda: engine.answer(WRITE, session),
        "a prepared answer": lambda: prepared(session),
    }


def prepared(session: Session) -> None:
    entry = Entry(session.clock.now(), "default", "anonymous", "GET", "/x", 200, "recorded", "recorded", 7, "demo")
    charges = [Charge(("api", "192.0.2.1"), 10_000, 10**9)]
    if session.give(Prepared(session.revision, (), charges, [("demo", b"key", 7)]), entry, entry.at) is None:
        raise AssertionError("the session has moved on")


def took(act: Callable[[], object]) -> float:
    """Microseconds for one."""
    begun = time.perf_counter()
    for _ in range(EACH):
        act()
    return (time.perf_counter() - begun) / EACH * 1e6


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit("redis-server is not installed; `apt-get install redis-server` brings it.")
    socket = folder / "redis"
    command = [program, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            next(line for line in process.stdout if "ready to accept connections" in line)
            yield f"unix://{socket}"
        finally:
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())
