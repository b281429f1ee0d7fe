"""`peertape proxy`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import click

from peertape.addons.convert import is_elsewhere
from peertape.addons.faultgate import FaultGate
from peertape.addons.handoff import Handoff
from peertape.addons.instance import Instance
from peertape.addons.intercepted import Intercepted
from peertape.addons.live import LiveAnswers
from peertape.addons.livelinks import LiveLinks
from peertape.addons.politeness import Politeness
from peertape.addons.presence import Presences
from peertape.addons.relay import Relay
from peertape.addons.replayer import Replayer
from peertape.addons.unmasking import Unmasking
from peertape.addons.upstream import Upstream
from peertape.cassettes import places
from peertape.cassettes.redaction.recollection import Recollection
from peertape.cassettes.store import Cassette
from peertape.config import settings as config
from peertape.config.settings import Settings
from peertape.proxy.cli import assembly, options
from peertape.proxy.cli.elsewhere import way_elsewhere
from peertape.proxy.cli.opencassettes import redaction_rules
from peertape.proxy.cli.proxylane import proxy_lane
from peertape.proxy.cli.recording import looked_into, noting, public_origin, recorder, recording_into
from peertape.proxy.cli.running import demand, run
from peertape.proxy.cli.trouble import WRONG_USAGE, explained
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.choice import Repeat


@click.command(name="proxy")
@options.upstream
@options.cassette
@options.upstream_timeout
@options.scope
@options.public_url
@options.pace
@options.verification
@options.playing
@options.faults
@options.ways_in
@options.reports
@click.pass_context
@explained
def command(ctx: click.Context, /, web: bool, **given: Any) -> None:
    """Work with an instance while it is there, and with its recording while it is away.

    \b
      peertape proxy --upstream https://peertube.example

    Every live answer is recorded. When the instance cannot be reached, or does not answer in time, the latest recorded
    answer takes its place (unless --repeat says otherwise); the instance is tried again every two seconds. What a web
    server in front of it says (502) is an answer. To rehearse it: POST {"offline": true} to /__peertape__/upstream.
    """
    settings = config.load(given)
    upstream = assembly.demand_upstream(settings)
    place = places.named(settings.cassette)
    demand(settings)
    rules = redaction_rules(settings)
    known = Recollection()
    with ExitStack() as stack:
        recording = stack.enter_context(recording_into(settings, upstream, recollection=known))
        cassette = Cassette(place, rules=rules)
        parts = stack.enter_context(assembly.parts(settings, [cassette], shares=False))
        presences = Presences(upstream, settings.upstream_timeout, lambda sentence: click.echo(sentence, err=True))
        actions = parts.actions("proxy", upstream, presences.go_offline)
        handoff = Handoff()
        stages = parts.replay_stages(lambda: actions, _repeat(settings), known)
        replayer = Replayer(Engine(stages), parts.sessions, handoff, parts.digest_filter, counts=parts.counts)
        instance = Instance(settings.upstream_timeout, insecure=settings.insecure, ca=settings.upstream_ca)
        origin = public_origin(settings, cassette)
        links = LiveLinks(origin)
        hosts = looked_into(settings, upstream, recording)
        intercepted = Intercepted(hosts, recording)
        gate = Replayer(parts.gate(_repeat(settings), known), parts.sessions, handoff, parts.digest_filter)
        elsewhere = way_elsewhere(settings, parts, recording, links, origin, handoff, replayer, presences.of)
        addons = [
            elsewhere.entrance,
            FaultGate(gate),
            Relay(instance, presences.of, handoff, replayer, Unmasking(known, rules), lambda f: not is_elsewhere(f)),
            elsewhere.relay,
            Upstream(upstream, origin),
            intercepted,
            Politeness(settings.pace),
            replayer,
            recorder(settings, recording, intercepted, links, at_once=False),
            links,
            LiveAnswers(noting(parts)),
        ]
        lane = proxy_lane(settings, addons, upstream, web=web, intercepted=hosts)
        code = run(lane, parts, [f"recording into {place}"], recording=recording)
    ctx.exit(code if recording.failure is None else WRONG_USAGE)


def _repeat(settings: Settings) -> Repeat:
    """The latest, unless the user asks for something else."""
    return Repeat(settings.repeat) if "repeat" in settings.model_fields_set else Repeat.LAST
