"""Uploads in pieces: a session has its own, which come along in whatever pieces its client cuts.

What was recorded of an upload answers as long as it is asked for in that order. Once the pieces are others, they are
counted as PeerTube counts them, and the last octet gets the recorded outcome. Stands before all that judges by the
recorded world, which does not know these uploads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from peertape.proxy.engine.chain import Rest
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.stages.recorded import RecordedStage
from peertape.proxy.engine.twin.asking import fnv1a
from peertape.proxy.engine.twin.given import given
from peertape.proxy.engine.twin.late import LateTwin
from peertape.proxy.engine.twin.verdict import Outcome, Verdict
from peertape.proxy.engine.uploads.recorded import RecordedUpload, begun_by, upload_id
from peertape.proxy.engine.uploads.replies import ABORTED, CONFLICT, NOT_FOUND, Replies, range_of
from peertape.proxy.engine.uploads.running import SAME, Running, Uploads
from peertape.proxy.engine.uploads.upload import After, Upload, piece_of, size_of

REMARK = ("derived", "upload")
_STATUS = {After.RESUME: 308, After.DONE: 200, After.CONFLICT: 409}


class UploadStage:
    """`emulates`: whether PeerTube's rules refuse what they refuse.

    `alone`: there is no instance at which an upload may have been begun that this session does not know.
    """

    def __init__(
        self, shelf: Shelf, recorded: RecordedStage, twin: LateTwin, replies: Replies, *, emulates: bool, alone: bool
    ) -> None:
        self._shelf = shelf
        self._recorded = recorded
        self._twin = twin
        self._replies = replies
        self._emulates = emulates
        self._alone = alone

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        match self._twin().pieces(request.method, request.path):
            case "begin":
                return self._begin(request, session, rest)
            case "put":
                return self._put(request, session, rest)
            case "cancel":
                return self._cancel(request, session, rest)
            case _:
                return rest(request)

    def _begin(self, request: Request, session: Session, rest: Rest) -> Answer:
        answer = rest(request)
        return self._begun_as_recorded(request, session, answer) if answer.source is Source.RECORDED else answer

    def _begun_as_recorded(self, request: Request, session: Session, answer: Answer) -> Answer:
        begun, number = begun_by(answer), answer.exchange
        cassette = next((known for known in self._shelf.cassettes if known.name == answer.cassette), None)
        if begun is None or cassette is None or number is None:
            return answer
        recorded = RecordedUpload(cassette, request.path, begun, number, session.clock.known_until)
        known = session.recall(Uploads).running.get(begun)
        if known is not None and (known.recorded.cassette, known.recorded.first) == (cassette, number):
            # The same once more while that one is under way. PeerTube goes by the moment of the file, or makes one up.
            location = answer.headers.get("location") or ""
            if "lastModified" in _details(request):
                came = known.upload.arrived
                return self._replies.goes_on(request, session.clock.now(), location, came) if came else answer
            begun = self._another(begun, session)
            headers = answer.headers.replaced("Location", location.replace(recorded.id, begun))
            answer = replace(answer, headers=headers, source=Source.DERIVED, remark=(*answer.remark, REMARK))
        self._twin().note(request, session, answer)
        _keep(Running(begun, Upload(size_of(request)), recorded, number), session)
        return answer

    def _put(self, request: Request, session: Session, rest: Rest) -> Answer:
        asked = upload_id(request.query) or ""
        running = session.recall(Uploads).running.get(asked)
        if running is None:
            return self._put_nowhere(request, session, rest, asked)
        piece = piece_of(request)
        upload, after, come = running.upload.put(piece)
        arrived = running
        if piece.start is not None and after in (After.RESUME, After.DONE, After.CUT):
            stop = piece.start + piece.octets
            arrived = running.after(upload, start=piece.start, stop=stop, sha256=request.body_sha256)
        if not request.is_cut and (answer := self._as_recorded(request, running, rest, after, come)):
            if answer.status == 200:
                return self._ended(request, session, running, answer)
            _keep(replace(arrived, played=answer.exchange or 0), session)
            return answer
        verdict = self._verdict(request, session, running, after)
        if verdict.outcome is Outcome.REFUSED and verdict.answer is not None:
            return verdict.answer
        _keep(replace(arrived, upload=upload, played=0), session)
        match after:
            case After.CUT:
                return self._replies.refused(request, session.clock.now(), ABORTED)
            case After.CONFLICT:
                return self._conflict(request, session, rest)
            case After.RESUME:
                return self._resume(request, session, arrived, come)
            case After.DONE:
                done = self._done(request, session, arrived)
                return rest(request) if done is None else self._ended(request, session, running, done)

    def _verdict(self, request: Request, session: Session, running: Running, after: After) -> Verdict:
        """What PeerTube's rules say; of what a recorded upload led to, the recording knows better."""
        if not self._emulates or after is After.CUT:
            return Verdict(Outcome.UNDECIDED)
        verdict = self._twin().judge(request, session)
        recorded = running.recorded
        if after is After.DONE and verdict.answer is not None and recorded.outcome is not None:
            outcome = self._recorded.look(recorded.cassette, recorded.outcome, request)
            if self._twin().refuses_out_of_ignorance(verdict.answer, outcome):
                return Verdict(Outcome.UNDECIDED)
        return verdict

    def _conflict(self, request: Request, session: Session, rest: Rest) -> Answer:
        return self._replies.refused(request, session.clock.now(), CONFLICT) if self._emulates else rest(request)

    def _put_nowhere(self, request: Request, session: Session, rest: Rest, asked: str) -> Answer:
        """To an upload that this session did not begin, or that has ended."""
        answer = rest(request)
        is_unknown = asked in session.recall(Uploads).ended or (self._alone and session.clock.timeline is None)
        if answer.source is not Source.MISS or not self._emulates or not is_unknown:
            return answer
        return self._replies.refused(request, session.clock.now(), NOT_FOUND)

    def _as_recorded(self, request: Request, running: Running, rest: Rest, after: After, come: int) -> Answer | None:
        """The recorded answer, if just that was asked next in the recording, or if it says what is so."""
        recorded = running.recorded
        if running.id != recorded.id:
            return None
        answer = rest(request)
        if answer.source is not Source.RECORDED:
            return None
        following = recorded.after(running.played) if running.played else None
        is_next = following is not None and following.id == answer.exchange
        is_so = answer.status == _STATUS[after] and (after is not After.RESUME or _range(answer) == range_of(come))
        return answer if is_next or is_so else None

    def _resume(self, request: Request, session: Session, running: Running, come: int) -> Answer:
        recorded = running.recorded
        if recorded.resumed is None:
            return _derived(self._replies.resume(request, session.clock.now(), come), recorded)
        answer = self._recorded.look(recorded.cassette, recorded.resumed, request)
        headers = answer.headers.replaced("Range", range_of(come))
        return replace(answer, headers=headers, source=Source.DERIVED, remark=(REMARK,))

    def _done(self, request: Request, session: Session, running: Running) -> Answer | None:
        """None where nothing tells what the upload led to."""
        recorded = running.recorded
        if recorded.outcome is None:
            return None
        answer = self._recorded.give(recorded.cassette, recorded.outcome, request, session)
        content = running.content()
        told = () if content == SAME else (("content", content),)
        return replace(answer, source=Source.DERIVED, remark=(REMARK, *told))

    def _ended(self, request: Request, session: Session, running: Running, answer: Answer) -> Answer:
        self._twin().note(request, session, answer)
        with session.changing(Uploads) as uploads:
            uploads.end(running.id)
        return answer

    def _cancel(self, request: Request, session: Session, rest: Rest) -> Answer:
        answer = rest(request)
        running = session.recall(Uploads).running.get(upload_id(request.query) or "")
        if answer.source is Source.MISS and (running is not None or self._emulates):
            if self._twin().judge(request, session).outcome is Outcome.REFUSED:
                return answer
            answer = self._replies.cancelled(request, session.clock.now())
            answer = answer if running is None else _derived(answer, running.recorded)
        if answer.status == 204 and running is not None:
            return self._ended(request, session, running, answer)
        return answer

    @staticmethod
    def _another(begun: str, session: Session) -> str:
        """The id with another moment."""
        uploads, now = session.recall(Uploads), int(session.clock.now() * 1000)
        rest = begun.rpartition("-")[0]
        while (found := f"{rest}-{fnv1a(str(now))}") in uploads.running or found in uploads.ended:
            now += 1
        return found


def _keep(running: Running, session: Session) -> None:
    with session.changing(Uploads) as uploads:
        uploads.keep(running)


def _details(request: Request) -> Mapping[str, Any]:
    """What is said of the file."""
    body = given(request, {}).body
    return body if isinstance(body, dict) else {}


def _derived(answer: Answer, recorded: RecordedUpload) -> Answer:
    """An answer of the rules' own within a recorded upload."""
    exchange, cassette = recorded.first, recorded.cassette.name
    return replace(answer, source=Source.DERIVED, exchange=exchange, cassette=cassette, remark=(REMARK,))


def _range(answer: Answer) -> str | None:
    return answer.headers.get("range")
