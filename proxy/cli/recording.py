"""What the commands that record have in common."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from mitmproxy import http

from peertape.addons.convert import is_control, is_reverse
from peertape.addons.intercepted import Intercepted
from peertape.addons.livelinks import LiveLinks
from peertape.addons.recorder import Recorder
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
        apart=True,
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


def looked_into(settings: Settings, upstream: str, recording: Recording) -> frozenset[str]:
    """The hosts whose traffic the forward proxy records from the start: the instance, its files', `--allow-host`."""
    return recording.named_hosts | {urlsplit(upstream).hostname or "", *settings.allow_host}


def recorder(
    settings: Settings, recording: Recording, intercepted: Intercepted, links: LiveLinks, *, at_once: bool
) -> Recorder:
    """It records what the instance and the intercepted hosts are asked, as far as `--only` and `--skip` say."""
    scope = Scope.of(settings)

    def covers(flow: http.HTTPFlow) -> bool:
        if flow.request.method == "CONNECT":  # asks for a tunnel: mitmproxy refuses it, and no instance hears of it
            return False
        if is_control(flow) or not (is_reverse(flow) or flow.request.pretty_host in intercepted):
            return False
        return scope.covers(flow.request.method, flow.request.data.path.decode("latin-1"))

    limit = settings.max_response_body
    return Recorder(recording, covers, links.holds, at_once=at_once, largest_response=limit)
