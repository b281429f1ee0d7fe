"""Pins every dependency anew: `uv run python .ci/pin.py` takes the newest versions that fit and writes them into
pyproject.toml, between the marks. (uv.lock names download hosts, so it stays out of git.)
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
MARKS = re.compile(r"(?<=# pins: begin\n).*?(?=# pins: end\n)", re.DOTALL)
PIN = re.compile(r"[A-Za-z0-9._-]+(?:\[[^\]]+\])?==[^;\s]+(?:\s*;.*)?")


def newest(project: str) -> list[str]:
    """What uv resolves without the present pins, for all platforms and groups."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_text(MARKS.sub("constraint-dependencies = []\n", project), "utf-8")
        command = ["uv", "export", "--no-hashes", "--no-emit-project", "--all-groups", "--no-annotate", "--no-header"]
        told = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    return [line.strip() for line in told.splitlines() if PIN.fullmatch(line.strip())]


def main() -> None:
    project = PROJECT.read_text("utf-8")
    pins = "".join(f"    {quoted(pin)},\n" for pin in newest(project))
    PROJECT.write_text(MARKS.sub(lambda _: f"constraint-dependencies = [\n{pins}]\n", project), "utf-8")


def quoted(pin: str) -> str:
    return '"' + pin.replace('"', "'") + '"'


if __name__ == "__main__":
    main()
