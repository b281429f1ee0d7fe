"""`serve --workers N`: what each worker does, and what they are to have in common."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.handlers import QueueHandler
from queue import SimpleQueue

from peertape.cassettes.errors import CassetteError
from peertape.config.settings import Settings, SettingsError
from peertape.proxy.cli import assembly
from peertape.proxy.cli import faults as mishaps
from peertape.proxy.cli.assembly import Parts
from peertape.proxy.lanes.application import Application
from peertape.proxy.lanes.endpoint import Endpoint
from peertape.proxy.lanes.processes import Crew, Failure, Lifeline, Say, crew
from peertape.proxy.lanes.workers import serve_with_others

logger = logging.getLogger(__name__)


def in_common(settings: Settings) -> Settings:
    """What is drawn at random is drawn once for all workers."""
    drawn = {"token": assembly.token(settings), "seed": mishaps.seed(settings)}
    return settings.model_copy(update=drawn)


@contextmanager
def started(settings: Settings, endpoint: Endpoint, build: Callable[[Parts], Application]) -> Iterator[Crew]:
    """The workers, which serve what `build` makes. `settings` are those in common."""
    with assembly.parts(settings, assembly.open_cassettes(settings.cassettes, settings)):
        pass  # what cannot be had is said once, and the journal begins; nothing may be open while processes are forked

    def work(say: Say, lifeline: Lifeline) -> None:
        root = logging.getLogger()
        root.handlers = [_Saying(say)]
        root.setLevel(logging.WARNING)
        try:
            cassettes = assembly.open_cassettes(settings.cassettes, settings)
            with assembly.parts(settings, cassettes, anew=False) as parts:
                serve_with_others(build(parts), endpoint, lifeline)
            say(parts.tally)
        except (CassetteError, SettingsError) as error:
            say(Failure(str(error)))
        except Exception:
            logger.exception("a defect of peertape: a worker ended")

    with crew(settings.workers, work) as workers:
        yield workers


class _Saying(QueueHandler):
    """What a worker logs is said by the process that started it."""

    def __init__(self, say: Say) -> None:
        super().__init__(SimpleQueue())
        self._say = say

    def enqueue(self, record: logging.LogRecord) -> None:
        self._say(record)
