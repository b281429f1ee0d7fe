"""Builds the bundled demo cassette, and the page that tells what is in it, from recorded sessions.

    uv run python cassettes/demo/build.py ../shared/recordings

Run again on the same recordings, it gives the same files: key and salt of the demo are fixed, since all in it is
fictitious. The page is made from `observed/instance-manifest.json` beside the folder of the recordings.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sqlite3
from pathlib import Path

from peertape.cassettes import demo
from peertape.cassettes.demo.page import page
from peertape.cassettes.interchange import formats
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.writer import CassetteWriter

# In the order in which they began; what changes the settings of the instance comes last.
SESSIONS = (
    "anonymous-browse",
    "media-playback",
    "user-session",
    "live",
    "websocket",
    "admin-moderation",
    "remaining-operations",
)
# Beside PeerTube's positions: requests that its log prints, and the signed link to an exported archive.
RULES = RedactionRules.build([{"dumps": True}, {"query": "jwt"}])
LARGEST = 12 * 1024 * 1024  # octets in git
PAGE = Path(__file__).parents[2] / "docs" / "demo.md"


def build(recordings: Path, target: Path) -> int:
    """Writes the demo cassette to `target` and returns the number of exchanges in it."""
    temporary = target.with_name(f".{target.name}.part")
    temporary.unlink(missing_ok=True)
    first = next(formats.read(recordings / f"{SESSIONS[0]}.mitm"))
    fixed = {"key": _fixed("key", 64), "salt": _fixed("salt", 32), "created": f"{first.timing.started:.3f}"}
    writer, stored = CassetteWriter(temporary, RULES, fixed=fixed), 0
    try:
        for session in SESSIONS:
            for exchange in formats.read(recordings / f"{session}.mitm"):
                writer.add(exchange)
                stored += 1
            writer.commit()
    finally:
        writer.close()
    _compact(temporary)
    if (size := temporary.stat().st_size) > LARGEST:
        raise SystemExit(f"The demo has {size} octets, more than the {LARGEST} that git shall hold.")
    temporary.replace(target)
    return stored


def _fixed(purpose: str, digits: int) -> str:
    return hashlib.sha256(f"peertape demo {purpose}".encode()).hexdigest()[:digits]


def _compact(path: Path) -> None:
    connection = sqlite3.connect(path)
    try:
        connection.execute("VACUUM")
    finally:
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds cassettes/demo/demo.cassette and docs/demo.md.")
    parser.add_argument("recordings", type=Path, help="the folder of the recorded sessions (*.mitm)")
    recordings: Path = parser.parse_args().recordings
    manifest = json.loads((recordings.parent / "observed" / "instance-manifest.json").read_text("utf-8"))
    stored = build(recordings, demo.path())
    PAGE.write_text(page(manifest), "utf-8")
    print(f"{stored} exchanges, {demo.path().stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
