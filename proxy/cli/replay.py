"""`peertape replay`."""

from __future__ import annotations

from typing import Any

import click

from peertape.addons.guard import Guard
from peertape.addons.handoff import Handoff
from peertape.addons.intercepted import Refusal
from peertape.addons.prepared import Responses
from peertape.addons.replayer import Replayer
from peertape.config import settings as config
from peertape.proxy.cli import assembly, options
from peertape.proxy.cli.opencassettes import open_cassettes
from peertape.proxy.cli.proxylane import proxy_lane
from peertape.proxy.cli.recording import noting
from peertape.proxy.cli.running import demand, run
from peertape.proxy.cli.trouble import explained
from peertape.proxy.cli.withprogram import WithProgram
from peertape.proxy.engine import hosts


@click.command(name="replay", cls=WithProgram)
@click.argument("cassettes", nargs=-1, metavar="[CASSETTE]... [-- COMMAND...]")
@options.ways_in
@click.option(
    "--alias", metavar="HOST", multiple=True, help="With --forward: another name by which the app calls the instance."
)
@options.playing
@options.faults
@options.public_url
@options.prepared
@options.reports
@options.state
@click.pass_context
@explained
def command(ctx: click.Context, /, cassettes: tuple[str, ...], web: bool, **given: Any) -> None:
    """Answer from cassettes, with no instance. Without CASSETTE: the bundled demo, which is also called `demo`.

    With several cassettes the leftmost that has an answer gives it. Behind `--` a command can stand, for example a test
    suite: it runs with PEERTAPE_URL set, and its exit code is the run's.

    \b
      peertape replay
      peertape replay mine.cassette demo
      peertape replay mine.cassette --strict -- npm test
    """
    settings = config.load({**given, "cassettes": cassettes})
    demand(settings)
    with assembly.parts(settings, open_cassettes(settings.cassettes, settings)) as parts:
        handoff = Handoff()
        engine = parts.engine(parts.replay_stages(lambda: parts.actions("replay")))
        replayer = Replayer(
            engine,
            parts.sessions,
            handoff,
            parts.digest_filter,
            counts=parts.counts,
            prepared=parts.prepared(Responses()),
        )
        known = frozenset(name for cassette in parts.shelf.cassettes for name in hosts.names(cassette))
        addons = [Guard(handoff.owns), Refusal(known, settings.alias, noting(parts)), replayer]
        lane = proxy_lane(settings, addons, web=web)
        ctx.exit(run(lane, parts, parts.introduction, WithProgram.program(ctx)))
