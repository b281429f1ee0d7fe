"""What cassettes of real sessions take on the disk."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.writer import CassetteWriter

RECORDINGS = Path(__file__).parents[2].parent / "shared" / "recordings"

pytestmark = pytest.mark.skipif(
    not RECORDINGS.exists(), reason="the recordings lie beside the project's workplace only"
)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory):
    formats = pytest.importorskip("peertape.cassettes.interchange.formats")
    folder = tmp_path_factory.mktemp("sizes")

    def bring(session: str) -> tuple[Path, Path]:
        file, path = RECORDINGS / f"{session}.mitm", folder / f"{session}.cassette"
        writer = CassetteWriter(path, RedactionRules.default())
        for exchange in formats.read(file):
            writer.add(exchange)
        writer.close()
        return file, path

    return bring


@pytest.mark.parametrize(
    "session", ["admin-moderation", "anonymous-browse", "cors", "errors", "live", "rate-limits", "user-session"]
)
def test_an_api_session_takes_half_of_its_flow_file_at_most(imported, session: str) -> None:
    file, path = imported(session)
    assert path.stat().st_size <= 0.5 * file.stat().st_size


@pytest.mark.parametrize("session", ["media-playback", "remaining-operations"])
def test_media_take_their_own_octets_and_15_percent_more_at_most(imported, session: str) -> None:
    _, path = imported(session)
    with closing(sqlite3.connect(path)) as connection:
        (octets,) = connection.execute("SELECT total(size) FROM bodies").fetchone()
    assert path.stat().st_size <= 1.15 * octets
