"""Recording by a process of its own, which is forked: from a process that has no other thread, as this one has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, Timing
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.writer import CassetteWriter

OPENING = """
import sys
from pathlib import Path

from peertape.cassettes.recording import Recording
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.writerprocess import WriterProcess

recording = Recording(Path(sys.argv[1]), RedactionRules.default(), "http://tube.example", print, apart=True)
known = recording.named_hosts
assert isinstance(recording.desk, WriterProcess)
recording.close()
print(*known)
"""


def test_what_an_older_recording_has_learned_is_known_at_once(tmp_path: Path) -> None:
    cassette = tmp_path / "peertape.cassette"
    request = RecordedRequest("GET", "/api/v1/videos/1", "http", "tube.example", "HTTP/1.1", Headers())
    body = BytesBody(b'{"fileUrl": "https://s3.example/1.mp4"}')
    response = RecordedResponse(200, "OK", "HTTP/1.1", Headers((("Content-Type", "application/json"),)), body)
    writer = CassetteWriter(cassette, RedactionRules.default(), upstream="http://tube.example")
    writer.add(Exchange(request, response, Timing(1.0, 1.0, 1.1, 1.2)))
    writer.close()
    command = [sys.executable, "-c", OPENING, str(cassette)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout.split(), done.stderr) == (["s3.example"], "")
