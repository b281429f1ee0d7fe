"""What the commands that record have in common."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mitmproxy import http

from peertape.addons.convert import is_control, is_reverse
from peertape.addons.intercepted import Intercepted
from peertape.cassettes import places
from peertape.cassettes.recording import Recording
from peertape.cassettes.redaction.recollection import Recollection
from peertape.cassettes.store import Cassette
from peertape.config.settings import Settings
from peertape.proxy.cli.assembly import Parts
from peertape.proxy.cli.opencassettes import redaction_rules
from peertape.proxy.cli.scope import Scope
from peertape.proxy.engine.model import Answer, Request

logger = logging.getLogger(__name__)


@contextmanager
def recording_into(
    settings: Settings, upstream: str, *, anew: bool = False, recollection: Recollection | None = None
) -> Iterator[Recording]:
    """The recording of a run: said loudly when it fails, and closed in the end."""
    rules = redaction_rules(settings)
    recording = Recording(
        places.named(settings.cassette),
        rules,
        upstream,
        _say_failure,
        anew=anew,
        recollection=recollection,
        largest_request=settings.max_request_body,
    )
    try:
        yield recording
    finally:
        recording.close()


def _say_failure(sentence: str) -> None:
    logger.error("RECORDING STOPPED: %s The app is served on, but nothing more is recorded.", sentence)


def noting(parts: Parts) -> Callable[[Request, Answer], None]:
    """Live answers in the journal, beside the engine's own."""
    source = parts.source_stage()

    def note(request: Request, answer: Answer) -> None:
        source.note(request, parts.sessions.of(request), answer)

    return note


def public_origin(settings: Settings, cassette: Cassette) -> Callable[[], str | None]:
    """The user's word, else what has been learned by now."""
    return lambda: settings.public_url or cassette.public_origin


def covered(scope: Scope, intercepted: Intercepted) -> Callable[[http.HTTPFlow], bool]:
    """Which flows are recorded."""

    def covers(flow: http.HTTPFlow) -> bool:
        if is_control(flow) or not (is_reverse(flow) or flow.request.pretty_host in intercepted):
            return False
        return scope.covers(flow.request.method, flow.request.data.path.decode("latin-1"))

    return covers
