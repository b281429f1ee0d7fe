"""The replayer: asks the engine for an answer to every request; what the engine passes on goes to the instance."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from weakref import WeakKeyDictionary

from mitmproxy import ctx, http
from mitmproxy.addonmanager import Loader
from mitmproxy.connection import Client
from mitmproxy.proxy.layer import NextLayer

from peertape.addons import prepared as ready
from peertape.addons.convert import (
    ANSWERED,
    HEADERS,
    LARGEST_INLINE,
    head_of,
    is_answered,
    is_asked,
    request_of,
    response_of,
)
from peertape.addons.delivery import close, reset
from peertape.addons.guard import Guard
from peertape.addons.handoff import CutError, Handoff, Incoming, Outgoing, outgoing
from peertape.addons.marking import mark_of
from peertape.addons.prepared import PreparedResponses
from peertape.addons.sockets import completed
from peertape.addons.streams import Step
from peertape.cassettes import demo, places
from peertape.cassettes.headers import Headers
from peertape.cassettes.redaction.filters import request_body_filter
from peertape.cassettes.store import Cassette
from peertape.config import routers, rules
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.defects import defect
from peertape.proxy.engine.intake import LARGEST_HELD, DigestOf, Intake
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
from peertape.proxy.engine.twin.late import LateTwin
from peertape.proxy.engine.twin.surroundings import fitted

logger = logging.getLogger(__name__)

WITHOUT_BODY = ("GET", "HEAD", "OPTIONS", "DELETE", "CONNECT", "TRACE")
MOST_DIGITS = 15  # of a length that anybody could send

Counts = Callable[[str, str], bool]


class Replayer:
    """`digest_of` gives the filter that tells the canonical digest of a body too big to be held.

    `passes`: what the engine passes on goes to an instance, so that big bodies go there as they come. `counts`: whether
    what arrives of such a request (method, path) counts although the client leaves before its end.
    """

    def __init__(
        self,
        engine: Engine,
        sessions: Sessions,
        handoff: Handoff,
        digest_of: DigestOf,
        *,
        passes: bool = False,
        counts: Counts = lambda _method, _path: False,
        prepared: PreparedResponses | None = None,
    ) -> None:
        self._prepared = prepared
        self._passes = passes
        self._counts = counts
        self._engine = engine
        self._sessions = sessions
        self._handoff = handoff
        self._coming: WeakKeyDictionary[http.HTTPFlow, Intake] = WeakKeyDictionary()
        self._digest_of = digest_of

    async def running(self) -> None:
        await self._handoff.start()

    async def done(self) -> None:
        await self._handoff.stop()

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if self._passes or is_asked(flow) or is_answered(flow):
            return
        if not (comes_streamed(flow.request) or self._counts_in_part(flow)):
            return
        flow.metadata[ANSWERED] = True
        intake = self._coming[flow] = self.take_in(flow)

        async def answer(incoming: Incoming) -> Outgoing:
            await incoming.drain()
            intake.finish()  # mitmproxy streams nothing of a body that ends with its head
            answer = self.ask(flow, intake)
            await asyncio.sleep(answer.delay)
            if answer.delivery is Delivery.RESET:
                reset(flow)
                raise CutError("a fault: reset")
            return outgoing(answer, flow)

        divert(flow, taken_in(intake, passes_on=False))
        self._handoff.take(flow, answer)

    def take_in(self, flow: http.HTTPFlow) -> Intake:
        """For a body that is still to come."""
        return Intake(Headers.from_bytes(flow.request.headers.fields), self._digest_of)

    def error(self, flow: http.HTTPFlow) -> None:
        """Where the client has left, a piece of an upload has come as far as it came."""
        self._handoff.failed(flow)
        intake = self._coming.pop(flow, None)
        if intake is not None and not intake.is_whole and self._counts_in_part(flow):
            self.ask(flow, intake)

    def _counts_in_part(self, flow: http.HTTPFlow) -> bool:
        method = flow.request.method
        return method not in WITHOUT_BODY and self._counts(method, flow.request.path.partition("?")[0])

    async def request(self, flow: http.HTTPFlow) -> None:
        if flow.response is not None or flow.request.stream or is_asked(flow) or is_answered(flow):
            return
        key = None if self._prepared is None else ready.key_of(flow)
        if self._prepared is None or key is None:
            answer = self.ask(flow)
        elif (given := self._prepared.again(key)) is not None:
            delay, _, _, rest = given
            if delay:
                await asyncio.sleep(delay)
            flow.metadata[ANSWERED] = True
            rest.mark.put(flow)
            flow.response = ready.response_of(given, flow)
            return
        else:
            self._prepared.look()
            answer = self.ask(flow)
            self._prepared.keep(key, answer)
        if answer.delay:
            await asyncio.sleep(answer.delay)
        if answer.source is not Source.LIVE:
            self.send(flow, answer)

    def client_connected(self, client: Client) -> None:
        self._handoff.client_connected(client)

    def next_layer(self, layer: NextLayer) -> None:
        self._handoff.multiplexing.next_layer(layer)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        self._handoff.headers_arrived(flow)

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
            return outgoing(await completed(answer), flow)

        if not flow.request.stream:
            flow.request.raw_content = b""
        self._handoff.take(flow, ready)

    def ask(self, flow: http.HTTPFlow, intake: Intake | None = None) -> Answer:
        """The engine's answer, noted on the flow; `intake` took in a body that was streamed."""
        try:
            request = request_of(flow, intake)
            answer = self._engine.answer(request, self._sessions.of(request))
        except Exception as error:  # mitmproxy would log it, and send the request on to the instance
            logger.exception("a defect of peertape: %s %.200s has no answer", flow.request.method, flow.request.path)
            answer = defect(error)
        if answer.source is not Source.LIVE:
            flow.metadata[ANSWERED] = True
            mark_of(answer).put(flow)
        return answer


def divert(flow: http.HTTPFlow, step: Step) -> None:
    """Lets a body that is still to come pass through `step`, which keeps it."""
    flow.metadata[HEADERS] = Headers.from_bytes(flow.request.headers.fields)
    flow.request.headers.pop("content-length", None)
    flow.request.headers["transfer-encoding"] = "chunked"
    flow.request.stream = step


def taken_in(intake: Intake, *, passes_on: bool) -> Step:
    """A step that looks at a body, and lets it go on if `passes_on`."""

    def step(data: bytes) -> Iterable[bytes]:
        if not data:
            intake.finish()
            return ()
        intake.feed(data)
        return (data,) if passes_on else ()

    return step


def comes_streamed(request: http.Request) -> bool:
    """Whether the body is, or may be, too big to be held."""
    length = request.headers.get("content-length")
    if length is not None:
        return length.isdecimal() and (len(length) > MOST_DIGITS or int(length) > LARGEST_HELD)
    return "transfer-encoding" in request.headers or (
        (request.is_http2 or request.is_http3) and request.method not in WITHOUT_BODY
    )


class Script:
    """`mitmdump -s addons/replayer.py -m reverse:http://peertape.invalid --set peertape_cassettes=mine.cassette`"""

    def __init__(self) -> None:
        self.addons: list[object] = []
        self._cassettes: list[Cassette] = []

    def load(self, loader: Loader) -> None:
        loader.add_option("peertape_cassettes", Sequence[str], [], "Cassettes to answer from, leftmost first.")

    def running(self) -> None:
        for path in ctx.options.peertape_cassettes or [str(demo.path())]:
            self._cassettes.append(Cassette(places.named(path)))
        shelf, tolerance, handoff = Shelf(self._cassettes), Tolerance(), Handoff()
        explainer = Explainer(shelf, tolerance)
        recorded = RecordedStage(shelf, Matcher(tolerance))
        version = rules.of_recording(shelf.server_version()).version
        answers = Answers(fitted(routers.load(version), self._cassettes), version)
        twin = LateTwin(shelf, version, answers)
        engine = Engine([SourceStage(explainer), *playing(recorded, explainer, twin)])
        redactor = self._cassettes[0].redactor
        digest = partial(request_body_filter, redactor=redactor)
        self.addons = [Guard(handoff.owns), Replayer(engine, Sessions(), handoff, digest)]

    def done(self) -> None:
        for cassette in self._cassettes:
            cassette.close()


addons = [Script()]
