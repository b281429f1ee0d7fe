"""What a real PeerTube refused in the requests of its own test suites, asked of the twin: the same status and document.

The cases lie beside the project, not in it; without them this is skipped, and `tests/proxy/engine/contracts` stands for
it. All of them are asked in process, and two suites by the yardstick itself, of a process.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support.process import PROGRAM

from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter
from peertape.config.settings import Settings
from peertape.proxy.cli import assembly
from peertape.proxy.control.actions import Actions
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.model import Answer, Request, Source

SHARED = Path(__file__).parents[2].parent / "shared"
YARDSTICK = SHARED / "tools" / "conformance.py"
SUITES = sorted(path.name.removesuffix(".cases.jsonl") for path in SHARED.glob("conformance/*.cases.jsonl"))
PORT = 9001  # where PeerTube's test servers listen
DEMANDED = {"status": 97.0, "document": 90.0, "cors": 99.5, "precision": 97.0}  # per cent

pytestmark = pytest.mark.skipif(not SUITES, reason="the cases lie beside the project's own workplace only")


@pytest.fixture(scope="module")
def yardstick() -> Any:
    """The module of the yardstick, for its way to make bodies and to judge."""
    spec = importlib.util.spec_from_file_location("conformance", YARDSTICK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cassette_of(suite: str, path: Path) -> Cassette:
    with warnings.catch_warnings():  # mitmproxy, which reads flow files, uses old names of pyparsing and pyasn1
        warnings.simplefilter("ignore")
        from peertape.cassettes.interchange import formats
    writer = CassetteWriter(path, RedactionRules.default())
    world = SHARED / "conformance" / f"{suite}.world.mitm"
    if world.stat().st_size:
        for exchange in formats.read(world):
            writer.add(exchange)
    writer.close()
    return Cassette(path)


def asked(case: dict[str, Any], yardstick: Any) -> Request:
    body = yardstick.body_of(case, case["headers"])
    told = ("content-length", "transfer-encoding", "connection")
    pairs = [(name, value) for name, value in case["headers"] if name.lower() not in told]
    if body or case["method"] in ("POST", "PUT", "PATCH"):
        pairs.append(("Content-Length", str(len(body))))
    return Request(case["method"], case["target"], Headers.of(pairs), body, port=PORT, client="127.0.0.1")


def answers(suite: str, folder: Path, yardstick: Any) -> Iterator[tuple[dict[str, Any], Answer]]:
    """Each case with its answer, at the moment at which it was recorded."""
    cassette = cassette_of(suite, folder / f"{suite}.cassette")
    with assembly.parts(Settings(limits="off", strict=None), [cassette]) as parts:
        engine = Engine(parts.replay_stages(lambda: Actions("replay", parts.shelf, parts.sessions, parts.tally)))
        session = parts.sessions.get("default")
        for line in (SHARED / "conformance" / f"{suite}.cases.jsonl").read_text("utf-8").splitlines():
            case = json.loads(line)
            session.clock.set(datetime.fromisoformat(case["at"]).timestamp())
            parts.on_timeline(session)
            yield case, engine.answer(asked(case, yardstick), session)


def test_all_suites(
    tmp_path: Path, yardstick: Any, record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    totals: Counter[str] = Counter()
    table, broken = [], []
    for suite in SUITES:
        count: Counter[str] = Counter()
        for case, answer in answers(suite, tmp_path, yardstick):
            verdict = yardstick.judge(case, (answer.status, list(answer.headers), read(answer.body)))
            is_claimed = answer.source is not Source.MISS
            if is_claimed and answer.status >= 500 and case["status"] < 500:
                broken.append(f"{suite} #{case['seq']}: {answer.status}")
            count.update(cases=1, claimed=is_claimed, cors=verdict["cors"])
            count.update({aspect: is_claimed and verdict[aspect] for aspect in ("status", "document")})
            count.update(right=is_claimed and verdict["status"] and verdict["document"])
        totals.update(count)
        table.append(f"{suite:48} {spelled(count)}")
    table.append(f"{'all':48} {spelled(totals)}")
    record_property("conformance", table[-1])
    with capsys.disabled():
        print("\n" + "\n".join(table))
    assert not broken
    reached = shares(totals)
    assert {name: reached[name] for name, least in DEMANDED.items() if reached[name] < least} == {}


def shares(count: Counter[str]) -> dict[str, float]:
    """In per cent."""
    of_cases = {name: 100 * count[name] / count["cases"] for name in ("status", "document", "cors")}
    return {**of_cases, "precision": 100 * count["right"] / max(count["claimed"], 1)}


def spelled(count: Counter[str]) -> str:
    figures = "  ".join(f"{name} {share:5.1f}" for name, share in shares(count).items())
    return f"{count['cases']:5} cases  {figures}"


@pytest.mark.parametrize("suite", ["check-params.accounts", "api.users.oauth"])  # the world of the first is empty
def test_the_yardstick_itself(tmp_path: Path, suite: str) -> None:
    command = [sys.executable, YARDSTICK, SHARED / "conformance", "--cli", PROGRAM, "--suite", suite, "--show", "9"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PEERTAPE_TOKEN": "yardstick"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
