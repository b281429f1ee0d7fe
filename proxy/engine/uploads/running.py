"""The uploads in pieces that a session has under way."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any

from peertape.proxy.engine.uploads.recorded import RecordedUpload
from peertape.proxy.engine.uploads.spans import Spans
from peertape.proxy.engine.uploads.upload import Upload

MOST = 1000  # of a session; beyond it the one begun longest ago is forgotten
NOTHING: Spans[bool | None] = Spans()
SAME, OTHER, UNKNOWN = "same", "other", "unknown"


@dataclass(frozen=True, slots=True)
class Running:
    """`came`: of the stretches that came, whether they are as recorded; None where the cassette cannot tell.

    `played`: the exchange that answered last, as long as everything was asked as recorded.
    """

    id: str
    upload: Upload
    recorded: RecordedUpload
    played: int = 0
    came: Spans[bool | None] = NOTHING

    def after(self, upload: Upload, *, start: int, stop: int, sha256: bytes) -> Running:
        """A piece brought the octets [start, stop)."""
        same = self.recorded.is_same(start, stop, sha256) if start < stop else None
        return replace(self, upload=upload, came=self.came.laid(start, stop, same))

    def content(self) -> str:
        """Whether the file is the recorded one."""
        spans = self.came.within(0, self.upload.size) or ()
        found = {span.value for span in spans}
        return OTHER if False in found else SAME if found == {True} else UNKNOWN


@dataclass(slots=True)
class Uploads:
    """By their ids. `ended`: those that were completed or cancelled, which PeerTube does not know any more."""

    running: OrderedDict[str, Running] = field(default_factory=OrderedDict)
    ended: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def keep(self, running: Running) -> None:
        self.ended.pop(running.id, None)
        self.running[running.id] = running
        _shorten(self.running)

    def end(self, upload_id: str) -> None:
        self.running.pop(upload_id, None)
        self.ended[upload_id] = None
        _shorten(self.ended)


def _shorten(known: OrderedDict[str, Any]) -> None:
    while len(known) > MOST:
        known.popitem(last=False)
