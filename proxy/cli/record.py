"""`peertape record`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from mitmproxy import http

from peertape.addons.convert import is_control, is_reverse
from peertape.addons.guard import Guard
from peertape.addons.handoff import Handoff
from peertape.addons.live import LiveAnswers
from peertape.addons.livelinks import LiveLinks
from peertape.addons.politeness import Politeness
from peertape.addons.recorder import Recorder
from peertape.addons.replayer import Replayer
from peertape.addons.upstream import Upstream
from peertape.cassettes.recording import Recording
from peertape.cassettes.store import Cassette
from peertape.config import settings as config
from peertape.config.settings import Settings
from peertape.proxy.cli import assembly, options
from peertape.proxy.cli.assembly import Parts
from peertape.proxy.cli.running import run
from peertape.proxy.cli.scope import Scope
from peertape.proxy.cli.trouble import WRONG_USAGE, explained
from peertape.proxy.control.actions import Actions
from peertape.proxy.control.stage import ControlStage
from peertape.proxy.engine.chain import Engine, Stage
from peertape.proxy.engine.stages.live import LiveStage
from peertape.proxy.lanes.mitm import Lane

logger = logging.getLogger(__name__)


@click.command(name="record")
@options.upstream
@options.cassette
@click.option(
    "--record-mode",
    type=click.Choice(["all", "new_episodes", "once", "rewrite", "none"]),
    help="all: everything live, everything recorded (default). new_episodes: replay what is recorded, record the rest. "
    "once: record into a new cassette, replay an existing one. rewrite: begin the cassette anew. none: only replay.",
)
@options.scope
@options.public_url
@click.option("--pace", metavar="N", type=float, help="At most N requests a second to the instance; waits for its limits.")
@options.insecure
@options.ways_in
@options.reports
@click.pass_context
@explained
def command(ctx: click.Context, /, web: bool, **given: Any) -> None:
    """Record the traffic between an app and its instance. The app's base URL is where we listen.

    \b
      peertape record --upstream https://peertube.example
      peertape record --upstream https://peertube.example --only '/api/v1/**' --pace 4

    Secrets are replaced by stable pseudonyms before anything reaches the disk.
    """
    settings = config.load(given)
    upstream = assembly.demand_upstream(settings)
    path = Path(settings.cassette)
    mode = settings.record_mode
    replays = mode == "none" or (mode == "once" and path.exists())
    with ExitStack() as stack:
        recording = None if replays else stack.enter_context(recording_into(settings, upstream))
        cassette = Cassette(path, rules=assembly.redaction_rules(settings))
        parts = stack.enter_context(assembly.parts(settings, [cassette]))
        links = LiveLinks(lambda: settings.public_url or cassette.public_origin)
        actions = Actions("record", parts.shelf, parts.sessions, parts.tally, upstream)
        control = ControlStage(actions, parts.token)
        stages: list[Stage] = [parts.source_stage(), control]
        if mode == "new_episodes" or replays:
            stages.append(parts.recorded_stage())
        stages.append(parts.miss_stage() if replays else LiveStage())
        passes = recording is not None
        handoff = Handoff()
        replayer = Replayer(Engine(stages), parts.sessions, handoff, parts.digest_filter, passes=passes)
        addons: list[object] = [Guard(handoff.owns), replayer]
        if recording is not None:
            recorder = Recorder(
                recording,
                _covers(Scope.of(settings), upstream, settings),
                links.holds,
                at_once=mode != "new_episodes",
                largest_response=settings.max_response_body,
            )
            live = LiveAnswers(noting(parts))
            addons = [Upstream(upstream), Politeness(settings.pace), replayer, recorder, links, live]
        lane = Lane(
            config.address(settings.listen),
            addons,
            upstream,
            forward=config.address(settings.forward) if settings.forward else None,
            web=web,
            insecure=settings.insecure,
            intercepted=[urlsplit(upstream).hostname or "", *settings.allow_host],
        )
        code = run(lane, parts, [f"recording into {path}"] if passes else [], recording=recording)
    if recording is not None and recording.failure is not None:
        code = WRONG_USAGE
    ctx.exit(code)


@contextmanager
def recording_into(settings: Settings, upstream: str) -> Iterator[Recording]:
    """The recording of a run: said loudly when it fails, and closed in the end."""
    recording = Recording(
        Path(settings.cassette),
        assembly.redaction_rules(settings),
        upstream,
        _say_failure,
        anew=settings.record_mode == "rewrite",
    )
    try:
        yield recording
    finally:
        recording.close()


def _say_failure(sentence: str) -> None:
    logger.error("RECORDING STOPPED: %s The app is served on, but nothing more is recorded.", sentence)


def noting(parts: Parts) -> Any:
    """Live answers in the journal, beside the engine's own."""
    source = parts.source_stage()
    return lambda request, answer: source.note(request, parts.sessions.of(request), answer)


def _covers(scope: Scope, upstream: str, settings: Settings) -> Any:
    hosts = {urlsplit(upstream).hostname, *settings.allow_host}

    def covers(flow: http.HTTPFlow) -> bool:
        if is_control(flow) or not (is_reverse(flow) or flow.request.pretty_host in hosts):
            return False
        return scope.covers(flow.request.method, flow.request.data.path.decode("latin-1"))

    return covers
