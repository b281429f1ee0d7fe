"""The replayer: asks the engine for an answer to every request; what the engine passes on goes to the instance."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from mitmproxy import ctx, http
from mitmproxy.addonmanager import Loader

from peertape.addons.convert import ANSWERED, LARGEST_INLINE, head_of, is_answered, is_asked, request_of, response_of
from peertape.addons.delivery import close, reset
from peertape.addons.guard import Guard
from peertape.addons.handoff import CutError, Handoff, Incoming, Outgoing, outgoing
from peertape.addons.sockets import settled
from peertape.addons.streams import Step
from peertape.cassettes import demo
from peertape.cassettes.headers import Headers
from peertape.cassettes.redaction.bodyfilter import BodyFilter
from peertape.cassettes.redaction.filters import request_body_filter
from peertape.cassettes.store import Cassette
from peertape.config import routers, rules
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.defects import defect
from peertape.proxy.engine.matching import Matcher
from peertape.proxy.engine.model import Answer, Delivery, Source
from peertape.proxy.engine.nearest import Explainer
from peertape.proxy.engine.session import Sessions
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.stages.playing import playing
from peertape.proxy.engine.stages.recorded import RecordedStage
from peertape.proxy.engine.stages.source import SourceStage
from peertape.proxy.engine.tolerance import Tolerance
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.contract import book
from peertape.proxy.engine.twin.surroundings import fitted
from peertape.proxy.engine.twin.twin import Twin

logger = logging.getLogger(__name__)

LARGEST_HELD = 8 * 1024 * 1024  # octets of a request body; a longer one is streamed by, and only its digest is kept
MOST_DIGITS = 15  # of a length that anybody could send

DigestOf = Callable[[Headers], BodyFilter]


class Replayer:
    """`digest_of` gives the filter that tells the canonical digest of a body too big to be held.

    `passes`: what the engine passes on goes to an instance, so that big bodies go there as they come.
    """

    def __init__(
        self, engine: Engine, sessions: Sessions, handoff: Handoff, digest_of: DigestOf, *, passes: bool = False
    ) -> None:
        self._passes = passes
        self._engine = engine
        self._sessions = sessions
        self._handoff = handoff
        self.digest_of = digest_of

    async def running(self) -> None:
        await self._handoff.start()

    async def done(self) -> None:
        await self._handoff.stop()

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if self._passes or is_asked(flow) or not is_big(flow.request):
            return
        flow.metadata[ANSWERED] = True
        digest = self.digest_of(Headers.from_bytes(flow.request.headers.fields))

        async def answer(incoming: Incoming) -> Outgoing:
            await incoming.drain()
            answer = self.ask(flow, digest.digest)
            await asyncio.sleep(answer.delay)
            if answer.delivery is Delivery.RESET:
                reset(flow)
                raise CutError("a fault: reset")
            return outgoing(answer, flow)

        def swallow(data: bytes) -> Iterable[bytes]:
            if data:
                digest.feed(data)
            else:
                digest.finish()
            return ()

        divert(flow.request, swallow)
        self._handoff.take(flow, answer)

    async def request(self, flow: http.HTTPFlow) -> None:
        if flow.response is not None or flow.request.stream or is_asked(flow) or is_answered(flow):
            return
        answer = self.ask(flow)
        await asyncio.sleep(answer.delay)
        if answer.source is not Source.LIVE:
            self.send(flow, answer)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        self._handoff.headers_arrived(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        self._handoff.failed(flow)

    def send(self, flow: http.HTTPFlow, answer: Answer) -> None:
        """Answers a flow whose request is whole, or of no interest."""
        if answer.delivery is Delivery.RESET:
            reset(flow)
        elif answer.delivery is Delivery.CLOSED:
            close(flow)
        elif answer.socket is not None:
            self._handoff.switch(flow, answer.socket, head_of(answer, flow))
        elif answer.pending is not None:
            self._hand_over(flow, answer)
        elif answer.delivery is Delivery.WHOLE and answer.body.size <= LARGEST_INLINE and not flow.request.stream:
            flow.response = response_of(answer, flow)
        else:
            self._hand_over(flow, answer)

    def _hand_over(self, flow: http.HTTPFlow, answer: Answer) -> None:
        async def ready(incoming: Incoming) -> Outgoing:
            incoming.discard()
            return outgoing(await settled(answer), flow)

        if not flow.request.stream:
            flow.request.raw_content = b""
        self._handoff.take(flow, ready)

    def ask(self, flow: http.HTTPFlow, digest: bytes | None = None) -> Answer:
        """The engine's answer, noted on the flow; `digest` stands for a body that was streamed by."""
        try:
            request = request_of(flow, digest)
            answer = self._engine.answer(request, self._sessions.of(request))
        except Exception as error:  # mitmproxy would log it, and send the request on to the instance
            logger.exception("a defect of peertape: %s %.200s has no answer", flow.request.method, flow.request.path)
            answer = defect(error)
        if answer.source is not Source.LIVE:
            flow.metadata[ANSWERED] = True
            mark(flow, answer)
        return answer


def mark(flow: http.HTTPFlow, answer: Answer) -> None:
    """Shows the source beside the flow in mitmweb and in the console program."""
    flow.comment = answer.source_text
    flow.marked = {
        Source.RECORDED: ":cd:",
        Source.DERIVED: ":scissors:",
        Source.EMULATED: ":robot:",
        Source.FAULT: ":boom:",
        Source.LIVE: ":satellite:",
        Source.MISS: ":question:",
        Source.CONTROL: ":wrench:",
    }[answer.source]


def divert(request: http.Request, step: Step) -> None:
    """Lets a body that is still to come pass through `step`, which keeps it."""
    request.headers.pop("content-length", None)
    request.headers["transfer-encoding"] = "chunked"
    request.stream = step


def is_big(request: http.Request) -> bool:
    length = request.headers.get("content-length", "")
    return length.isdecimal() and (len(length) > MOST_DIGITS or int(length) > LARGEST_HELD)


class Script:
    """`mitmdump -s addons/replayer.py -m reverse:http://peertape.invalid --set peertape_cassettes=mine.cassette`"""

    def __init__(self) -> None:
        self.addons: list[object] = []
        self._cassettes: list[Cassette] = []

    def load(self, loader: Loader) -> None:
        loader.add_option("peertape_cassettes", Sequence[str], [], "Cassettes to answer from, leftmost first.")

    def running(self) -> None:
        for path in ctx.options.peertape_cassettes or [demo.path()]:
            self._cassettes.append(Cassette(Path(path)))
        shelf, tolerance, handoff = Shelf(self._cassettes), Tolerance(), Handoff()
        explainer = Explainer(shelf, tolerance)
        recorded = RecordedStage(shelf, Matcher(tolerance))
        version = rules.of_recording(shelf.server_version()).version
        answers = Answers(fitted(routers.load(version), self._cassettes), version)
        twin = Twin(shelf, book(version), answers)
        engine = Engine([SourceStage(explainer), *playing(recorded, explainer, twin)])
        redactor = self._cassettes[0].redactor
        digest = partial(request_body_filter, redactor=redactor)
        self.addons = [Guard(handoff.owns), Replayer(engine, Sessions(), handoff, digest)]

    def done(self) -> None:
        for cassette in self._cassettes:
            cassette.close()


addons = [Script()]
