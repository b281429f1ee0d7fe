"""`serve --workers N`: what each worker does, and what they are to have in common."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from logging.handlers import QueueHandler
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory

from peertape.cassettes.errors import CassetteError
from peertape.config.settings import Settings, SettingsError
from peertape.proxy.cli import assembly, faultstages
from peertape.proxy.cli.assembly import Parts
from peertape.proxy.cli.opencassettes import open_cassettes
from peertape.proxy.cli.running import run
from peertape.proxy.cli.trouble import Trouble
from peertape.proxy.engine.state.interface import StateLostError
from peertape.proxy.lanes.application import Application
from peertape.proxy.lanes.endpoint import Endpoint, Listening
from peertape.proxy.lanes.lane import LaneError
from peertape.proxy.lanes.member import Member
from peertape.proxy.lanes.neighbours import Neighbours
from peertape.proxy.lanes.processes import Crew, Failure, Lifeline, Say, crew, demand_linux
from peertape.proxy.lanes.sourcecounts import SourceCounts
from peertape.proxy.lanes.workers import Workers, serve_with_others
from peertape.proxy.stores.memory import Memory, MemoryStore

type Build = Callable[[Parts], Application]

logger = logging.getLogger(__name__)


def run_together(settings: Settings, listening: Listening, build: Build, command: Sequence[str]) -> int:
    """`settings.workers` processes serve what `build` makes; the exit code of the run."""
    try:
        demand_linux()
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="peertape-")))
            shared = _in_common(settings)
            endpoint = stack.enter_context(listening.endpoint())
            crew = stack.enter_context(_started(shared, folder, endpoint, build))
            cassettes = open_cassettes(shared.cassettes, shared)
            parts = stack.enter_context(assembly.parts(shared, cassettes, append=True))
            lane = Workers(crew, endpoint, parts.tally)
            return run(lane, replace(parts, settings=settings), parts.introduction, command)
    except (LaneError, StateLostError) as error:
        raise Trouble(str(error)) from error


def _in_common(settings: Settings) -> Settings:
    """What is drawn at random is drawn once for all workers."""
    return settings.model_copy(update={"token": assembly.token(settings), "seed": faultstages.seed(settings)})


@contextmanager
def _started(settings: Settings, folder: Path, endpoint: Endpoint, build: Build) -> Iterator[Crew]:
    # What cannot be had is said once, and the journal begins; nothing may be open while processes are forked.
    with assembly.parts(settings, open_cassettes(settings.cassettes, settings)) as parts:
        build(parts)
        parts.make_ready()  # so that all have the rules, and each need not read them
    sources, neighbours = SourceCounts(settings.workers), Neighbours(folder, settings.workers)
    store = MemoryStore(Memory()) if settings.state is None else None

    def work(number: int, say: Say, lifeline: Lifeline) -> None:
        root = logging.getLogger()
        root.handlers = [_Saying(say)]
        root.setLevel(logging.WARNING)
        try:
            cassettes = open_cassettes(settings.cassettes, settings)
            member = Member(number - 1, sources, neighbours, store)
            with assembly.parts(settings, cassettes, append=True, member=member) as parts:
                serve_with_others(build(parts), member, endpoint, lifeline)
            say(parts.tally)
        except (CassetteError, SettingsError, LaneError) as error:
            say(Failure(str(error)))
        except Exception:
            logger.exception("a defect of peertape: a worker ended")
        if lifeline.is_cut:  # who would have taken it away was killed
            shutil.rmtree(folder, ignore_errors=True)

    with closing(neighbours), crew(settings.workers, work) as workers:
        yield workers


class _Saying(QueueHandler):
    """What a worker logs is said by the process that started it."""

    def __init__(self, say: Say) -> None:
        super().__init__(SimpleQueue())
        self._say = say

    def enqueue(self, record: logging.LogRecord) -> None:
        self._say(record)
