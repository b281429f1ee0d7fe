"""Answers of the instance itself: marked, and noted in the journal as the others are."""

from __future__ import annotations

from collections.abc import Callable

from mitmproxy import http

from peertape.addons.convert import head_as_request, is_answered, is_control
from peertape.addons.marking import mark_of
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.stages.source import HEADER

Note = Callable[[Request, Answer], None]


class LiveAnswers:
    """Loaded last. `note` is told of every answer that came from the instance, or failed to."""

    def __init__(self, note: Note) -> None:
        self._note = note

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        if flow.response is not None and _came_live(flow):
            answer = self._answer(flow, flow.response.status_code)
            flow.response.headers[HEADER] = answer.source_text
            mark_of(answer).put(flow)

    def response(self, flow: http.HTTPFlow) -> None:
        if flow.response is not None and _came_live(flow):
            self._note(head_as_request(flow), self._answer(flow, flow.response.status_code))

    def error(self, flow: http.HTTPFlow) -> None:
        if _came_live(flow) and flow.response is None:
            self._note(head_as_request(flow), self._answer(flow, 502))

    @staticmethod
    def _answer(flow: http.HTTPFlow, status: int) -> Answer:
        headers = Headers.from_bytes(flow.response.headers.fields) if flow.response else Headers()
        return Answer(status, headers, source=Source.LIVE)


def _came_live(flow: http.HTTPFlow) -> bool:
    return not is_control(flow) and not is_answered(flow)
