"""How mitmweb and the console program show where an answer comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mitmproxy import http

from peertape.proxy.engine.model import Answer, Source

_MARKS: Mapping[Source, str] = {
    Source.RECORDED: ":cd:",
    Source.DERIVED: ":scissors:",
    Source.EMULATED: ":robot:",
    Source.FAULT: ":boom:",
    Source.LIVE: ":satellite:",
    Source.MISS: ":question:",
    Source.CONTROL: ":wrench:",
}


@dataclass(frozen=True, slots=True)
class Mark:
    comment: str
    sign: str

    def put(self, flow: http.HTTPFlow) -> None:
        flow.comment = self.comment
        flow.marked = self.sign


def mark_of(answer: Answer) -> Mark:
    return Mark(answer.source_text, _MARKS[answer.source])
