"""`peertape record`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from peertape.addons.guard import Guard
from peertape.addons.handoff import Handoff
from peertape.addons.intercepted import Intercepted, Refusal
from peertape.addons.live import LiveAnswers
from peertape.addons.livelinks import LiveLinks
from peertape.addons.politeness import Politeness
from peertape.addons.replayer import Replayer
from peertape.addons.upstream import Upstream
from peertape.cassettes import places
from peertape.cassettes.recording import Recording
from peertape.cassettes.store import Cassette
from peertape.config import settings as config
from peertape.proxy.cli import assembly, options
from peertape.proxy.cli.assembly import Parts
from peertape.proxy.cli.elsewhere import way_elsewhere
from peertape.proxy.cli.opencassettes import redaction_rules
from peertape.proxy.cli.proxylane import proxy_lane
from peertape.proxy.cli.recording import looked_into, noting, public_origin, recorder, recording_into
from peertape.proxy.cli.running import demand, run
from peertape.proxy.cli.trouble import WRONG_USAGE, explained
from peertape.proxy.engine.chain import Engine, Stage
from peertape.proxy.engine.hosts import names
from peertape.proxy.engine.stages.elsewhere import permits_known, permits_none
from peertape.proxy.engine.stages.live import LiveStage

if TYPE_CHECKING:
    from peertape.proxy.control.actions import Actions


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
@options.pace
@options.verification
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
    place = places.named(settings.cassette)
    demand(settings)
    mode = settings.record_mode
    replays = mode == "none" or (mode == "once" and place.exists())
    with ExitStack() as stack:
        recording = None if replays else stack.enter_context(recording_into(settings, upstream, anew=mode == "rewrite"))
        cassette = Cassette(place, rules=redaction_rules(settings))
        parts = stack.enter_context(assembly.parts(settings, [cassette], shares=False))
        handoff = Handoff()
        engine = Engine(_stages(parts, upstream, replays=replays))
        replayer = Replayer(engine, parts.sessions, handoff, parts.digest_filter, passes=not replays)
        if recording is None:
            refusal = Refusal(names(cassette), settings.alias, noting(parts))
            lane = proxy_lane(settings, [Guard(handoff.owns), refusal, replayer], upstream, web=web)
            notes = []
        else:
            hosts = looked_into(settings, upstream, recording)
            addons = _recording_addons(parts, upstream, recording, Intercepted(hosts, recording), handoff, replayer)
            lane = proxy_lane(settings, addons, upstream, web=web, intercepted=hosts)
            notes = [f"recording into {place}"]
        code = run(lane, parts, notes, recording=recording)
    if recording is not None and recording.failure is not None:
        code = WRONG_USAGE
    ctx.exit(code)


def _stages(parts: Parts, upstream: str, *, replays: bool) -> list[Stage]:
    """What is answered without the instance: all if the run `replays`, else what its record mode says."""

    def actions() -> Actions:
        from peertape.proxy.control.actions import Actions

        return Actions("record", parts.shelf, parts.sessions, parts.tally, upstream)

    answering: list[Stage] = []
    if replays or parts.settings.record_mode == "new_episodes":
        answering.append(parts.recorded_stage())
    answering.append(parts.miss_stage() if replays else LiveStage())
    permits = permits_known(parts.shelf) if replays else permits_none
    control = parts.control_stage(actions)
    return [parts.elsewhere_stage(answering, permits), parts.source_stage(), control, *answering]


def _recording_addons(
    parts: Parts, upstream: str, recording: Recording, intercepted: Intercepted, handoff: Handoff, replayer: Replayer
) -> list[object]:
    settings = parts.settings
    (cassette,) = parts.shelf.cassettes
    origin = public_origin(settings, cassette)
    links = LiveLinks(origin)
    elsewhere = way_elsewhere(settings, parts, recording, links, origin, handoff, replayer)
    return [
        elsewhere.entrance,
        Upstream(upstream, origin),
        intercepted,
        Politeness(settings.pace),
        replayer,
        elsewhere.relay,
        recorder(settings, recording, intercepted, links, at_once=settings.record_mode != "new_episodes"),
        links,
        LiveAnswers(noting(parts)),
    ]
