"""`peertape serve`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from peertape.config import settings as config
from peertape.config.settings import Settings
from peertape.proxy.cli import assembly, options, workers
from peertape.proxy.cli.assembly import Parts
from peertape.proxy.cli.running import demand, run
from peertape.proxy.cli.trouble import Trouble, explained
from peertape.proxy.cli.withprogram import WithProgram
from peertape.proxy.lanes.application import Application
from peertape.proxy.lanes.endpoint import Listening
from peertape.proxy.lanes.fast import FastLane
from peertape.proxy.lanes.lane import LaneError
from peertape.proxy.lanes.workers import Workers


@click.command(name="serve", cls=WithProgram)
@click.argument("cassettes", nargs=-1, metavar="[CASSETTE]... [-- COMMAND...]")
@options.listen
@click.option(
    "--tls", is_flag=True, default=None, help="Speak https instead of http; `peertape ca` tells who trusts it."
)
@click.option(
    "--workers",
    metavar="N|auto",
    help="Processes that answer at the address together; auto: one for each core.  [default: 1]",
)
@options.certificates
@options.playing
@options.faults
@options.public_url
@options.reports
@options.state
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
    program = WithProgram.program(ctx)
    listening = Listening(config.address(settings.listen), settings.tls, settings.tls_host, settings.confdir)
    if settings.workers > 1:
        try:
            ctx.exit(_with_workers(settings, listening, program))
        except LaneError as error:
            raise Trouble(str(error)) from error
    with assembly.parts(settings, assembly.open_cassettes(settings.cassettes, settings)) as parts:
        ctx.exit(run(FastLane(listening, _application(parts)), parts, parts.introduction, program))


def _with_workers(settings: Settings, listening: Listening, program: Sequence[str]) -> int:
    shared = workers.in_common(settings)
    with listening.endpoint() as endpoint, workers.started(shared, endpoint, _application) as crew:
        cassettes = assembly.open_cassettes(settings.cassettes, settings)
        with assembly.parts(shared, cassettes, anew=False) as parts:
            lane = Workers(crew, endpoint, parts.tally)
            return run(lane, replace(parts, settings=settings), parts.introduction, program)


def _application(parts: Parts) -> Application:
    engine = parts.engine(parts.replay_stages(parts.actions("serve")))
    return Application(engine, parts.sessions, parts.digest_filter, parts.counts)
