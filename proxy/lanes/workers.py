"""The fast lane in several processes that share its port (SO_REUSEPORT): the kernel deals out the connections."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field

from peertape.proxy.engine.tally import Tally
from peertape.proxy.lanes.application import Application
from peertape.proxy.lanes.endpoint import Endpoint
from peertape.proxy.lanes.fast import serve
from peertape.proxy.lanes.lane import BrokenLaneError, LaneError, Ready, spelled, stopped_by_signals
from peertape.proxy.lanes.loop import EventLoop
from peertape.proxy.lanes.member import Member
from peertape.proxy.lanes.neighbours import Forwarding
from peertape.proxy.lanes.processes import GRACE, Crew, Failure, Lifeline, Report, Worker

RETRY = 0.01  # seconds between two looks whether all answer yet
PATIENCE = 60.0  # seconds until they have to
HEALTH = b"GET /__peertape__/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def serve_with_others(application: Application, member: Member, endpoint: Endpoint, lifeline: Lifeline) -> None:
    """What a worker does, until the lifeline ends."""
    forwarding = Forwarding(application, member.neighbours, member.number, application.changed_elsewhere)

    async def run() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        with lifeline.held(lambda: loop.call_soon_threadsafe(stop.set)):
            async with forwarding.open_to_neighbours():
                gc.freeze()  # as the process does that serves alone
                await serve(forwarding, endpoint, stop)

    asyncio.run(run(), loop_factory=EventLoop)


@dataclass(slots=True)
class Workers:
    """A lane: it listens to the workers of `crew`, and adds up in `tally` what they counted.

    A run that loses a worker has lost count of its answers, and ends: BrokenLaneError.
    """

    crew: Crew
    endpoint: Endpoint
    tally: Tally
    _opened: bool = False
    _failures: list[str] = field(default_factory=list)
    _counted: set[int] = field(default_factory=set)  # numbers of the workers whose tally has come
    _said: set[tuple[str, int]] = field(default_factory=set)  # where in the code that was which is said once

    async def run(self, ready: Ready) -> None:
        stop = asyncio.Event()
        with stopped_by_signals(stop.set):
            stopping = asyncio.ensure_future(stop.wait())
            telling = asyncio.ensure_future(self._tell(ready))
            ends = [asyncio.ensure_future(self._follow(worker)) for worker in self.crew.workers]
            try:
                await asyncio.wait((stopping, telling, *ends), return_when=asyncio.FIRST_COMPLETED)
                if telling.done():
                    telling.result()
                    await asyncio.wait((stopping, *ends), return_when=asyncio.FIRST_COMPLETED)
                self._demand_none_ended(ends)
            finally:
                for task in (stopping, telling):
                    task.cancel()
                await asyncio.gather(stopping, telling, return_exceptions=True)
                self.crew.lifeline.end_all()
                _, late = await asyncio.wait(ends, timeout=GRACE)
                for worker in self.crew.workers if late else ():
                    worker.end_within(0)
        uncounted = [worker for worker in self.crew.workers if worker.number not in self._counted]
        if uncounted:
            raise BrokenLaneError(f"{self._end_of(uncounted[0])}; what it answered is not in the summary.")

    def _demand_none_ended(self, ends: Sequence[asyncio.Future[None]]) -> None:
        if self._failures:
            raise (BrokenLaneError if self._opened else LaneError)(self._failures[0])
        for worker, end in zip(self.crew.workers, ends, strict=True):
            if end.done():
                raise BrokenLaneError(f"{self._end_of(worker)}; without it the run is not whole, and ends.")

    def _end_of(self, worker: Worker) -> str:
        worker.process.join(GRACE)
        return f"Worker {worker.number} of {len(self.crew.workers)} (process {worker.pid}) {worker.end}"

    async def _follow(self, worker: Worker) -> None:
        """Takes in what a worker says, until it ends."""
        loop = asyncio.get_running_loop()
        ended = loop.create_future()

        def take_in() -> None:
            try:
                self._take_in(worker, worker.reports.recv())
            except (EOFError, OSError):
                loop.remove_reader(worker.reports)
                ended.set_result(None)

        loop.add_reader(worker.reports, take_in)
        await ended

    def _take_in(self, worker: Worker, report: Report) -> None:
        match report:
            case Failure(sentence):
                self._failures.append(sentence)
            case Tally():
                self.tally.add(report)
                self._counted.add(worker.number)
            case logging.LogRecord():
                place = (report.pathname, report.lineno)
                if place not in self._said:
                    logging.getLogger(report.name).handle(report)
                if getattr(report, "once", False):
                    self._said.add(place)

    async def _tell(self, ready: Ready) -> None:
        missing = {worker.pid for worker in self.crew.workers}
        try:
            async with asyncio.timeout(PATIENCE):
                while missing:
                    missing.discard(await _process_at(self.endpoint))
        except TimeoutError as error:
            silent = [worker for worker in self.crew.workers if worker.pid in missing]
            which = ", ".join(f"{worker.number} (process {worker.pid})" for worker in silent)
            raise LaneError(f"Not all workers answer at {spelled(self.endpoint.reached)}: {which} did not.") from error
        self._opened = True
        await ready(self.endpoint.addresses)


async def _process_at(endpoint: Endpoint) -> int | None:
    """The worker that took a connection: each takes its share of them."""
    context = None
    if endpoint.certificate:
        context = ssl.create_default_context(cafile=endpoint.certificate.signer)
    try:
        reader, writer = await asyncio.open_connection(*endpoint.reached, ssl=context)
        with contextlib.closing(writer):
            writer.write(HEALTH)
            _, _, body = (await reader.read()).partition(b"\r\n\r\n")
        return int(json.loads(body)["process"])
    except (OSError, ValueError):  # nobody listens yet, or one that still is starting
        await asyncio.sleep(RETRY)
        return None
