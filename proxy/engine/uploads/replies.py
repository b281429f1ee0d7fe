"""What uploadx answers by itself (user-session.mitm, flows 74 to 86; errors.mitm, 210 to 222)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.twin.answers import Answers

RESUME_INCOMPLETE = "Resume Incomplete"
NOT_FOUND = (404, "FileNotFound", "Not found")
CONFLICT = (409, "FileConflict", "File conflict")
ABORTED = (499, "RequestAborted", "Request aborted")  # nobody sees it but the journal


class Replies:
    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def resume(self, request: Request, now: float, come: int) -> Answer:
        """308: so far it has come."""
        return self._told(request, now, 308, {"Range": range_of(come)}, phrase=RESUME_INCOMPLETE)

    def goes_on(self, request: Request, now: float, location: str, come: int) -> Answer:
        """200: begun once more, it goes on where it was."""
        return self._told(request, now, 200, {"Location": location, "Range": range_of(come)})

    def cancelled(self, request: Request, now: float) -> Answer:
        return self._told(request, now, 204, {})

    def refused(self, request: Request, now: float, refusal: tuple[int, str, str]) -> Answer:
        status, code, message = refusal
        body = json.dumps({"error": {"code": code, "message": message}}, separators=(",", ":")).encode()
        return self._told(request, now, status, {"Content-Type": "application/json"}, body)

    def _told(
        self,
        request: Request,
        now: float,
        status: int,
        headers: Mapping[str, str],
        body: bytes = b"",
        phrase: str = "",
    ) -> Answer:
        pairs = [*headers.items(), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
        told = [name for name in headers if name != "Content-Type"]
        return self._answers.past_express(request, now, status, pairs, body, exposed=told, phrase=phrase)


def range_of(come: int) -> str:
    """Of nothing it is `bytes=0--1`: uploadx subtracts one, whatever there is."""
    return f"bytes=0-{come - 1}"
