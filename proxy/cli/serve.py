"""`peertape serve`."""

from __future__ import annotations

from typing import Any

import click

from peertape.config import settings as config
from peertape.proxy.cli import assembly, options
from peertape.proxy.cli.running import demand, run
from peertape.proxy.cli.trouble import explained
from peertape.proxy.cli.withprogram import WithProgram
from peertape.proxy.engine.chain import Engine
from peertape.proxy.lanes.application import Application
from peertape.proxy.lanes.fast import FastLane


@click.command(name="serve", cls=WithProgram)
@click.argument("cassettes", nargs=-1, metavar="[CASSETTE]... [-- COMMAND...]")
@options.listen
@click.option(
    "--tls", is_flag=True, default=None, help="Speak https instead of http; `peertape ca` tells who trusts it."
)
@options.certificates
@options.playing
@options.faults
@options.public_url
@options.reports
@click.pass_context
@explained
def command(ctx: click.Context, /, cassettes: tuple[str, ...], **given: Any) -> None:
    """Answer from cassettes many times as fast as `replay`, for load tests and CI.

    The answers are those of `replay`, from another server: header names in lower case, no reason phrases, and no
    forward proxy, mitmweb or reset connections (the fault `reset` closes the connection after the head of an answer).

    \b
      peertape serve
      peertape serve mine.cassette --limits off -- npm test
    """
    settings = config.load({**given, "cassettes": cassettes})
    demand(settings)
    with assembly.parts(settings, assembly.open_cassettes(settings.cassettes, settings)) as parts:
        engine = Engine(parts.replay_stages(parts.actions("serve")))
        application = Application(engine, parts.sessions, parts.digest_filter, parts.counts)
        lane = FastLane(config.address(settings.listen), application, settings.tls, settings.tls_host, settings.confdir)
        ctx.exit(run(lane, parts, parts.introduction, WithProgram.program(ctx)))
