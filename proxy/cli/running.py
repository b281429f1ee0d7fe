"""Running a lane until it is told to stop: what all commands that listen have in common."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from peertape.cassettes.sqlite.checking import is_database
from peertape.config import settings as config
from peertape.config.settings import Settings
from peertape.proxy.cli import summary
from peertape.proxy.cli.assembly import Parts
from peertape.proxy.cli.faultstages import seed_note
from peertape.proxy.cli.interrupts import STOPPED
from peertape.proxy.cli.trouble import Breakdown, Trouble
from peertape.proxy.lanes.lane import Addresses, BrokenLaneError, Lane, LaneError, demand_free
from peertape.proxy.lanes.loop import EventLoop

if TYPE_CHECKING:
    from peertape.cassettes.recording import Recording

BROKE_STRICTNESS = 1
PAUSE = 1.0  # seconds in which who waited for the start has the first answers, before what is late is made
TERMINATION = 5.0  # seconds that the user's command has after SIGTERM


def run(
    lane: Lane,
    parts: Parts,
    notes: Sequence[str] = (),
    command: Sequence[str] = (),
    recording: Recording | None = None,
) -> int:
    """Opens the lane, prints the one line on standard output, and returns the exit code of the run."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[_handler()],
    )
    code, broken = 0, None
    try:
        code = asyncio.run(_run(lane, parts, notes, command), loop_factory=EventLoop)
    except BrokenLaneError as error:
        broken = error
    except LaneError as error:
        raise Trouble(str(error)) from error
    if recording is not None:
        recording.flush()
        parts.tally.recorded = recording.stored
    summary.show(parts.tally, parts.shelf)
    if broken is not None:
        raise Breakdown(str(broken))
    return code or (BROKE_STRICTNESS if parts.tally.broken else 0)


async def _run(lane: Lane, parts: Parts, notes: Sequence[str], command: Sequence[str]) -> int:
    code, making = 0, None

    async def ready(at: Addresses) -> None:
        nonlocal code, making
        code = STOPPED if command else 0  # until the command has told its own
        print(f"listening on {at.url}", flush=True)
        gc.freeze()  # rules and facts stay; the collector need not look through them again and again
        for note in [
            *notes,
            *parts.notes,
            *_ways_in(at),
            *_token_note(parts),
            *seed_note(parts.settings, parts.faults.plan),
        ]:
            click.echo(note.replace("{url}", at.url), err=True)
        making = asyncio.ensure_future(_make_ready(parts))
        if command:
            code = await _command(command, at, parts.token)
            signal.raise_signal(signal.SIGTERM)

    try:
        await lane.run(ready)
    finally:
        if making is not None:
            making.cancel()
    return code


async def _make_ready(parts: Parts) -> None:
    """In a thread: answers go on meanwhile, if more slowly."""
    await asyncio.sleep(PAUSE)
    await asyncio.to_thread(parts.make_ready)


def demand(settings: Settings) -> None:
    """Trouble if the addresses or the journal cannot be had: before anything is written."""
    try:
        for address in filter(None, (settings.listen, settings.forward)):
            demand_free(config.address(address))
    except LaneError as error:
        raise Trouble(str(error)) from error
    journal = settings.journal
    if journal is not None and is_database(journal):
        raise Trouble(f"The journal would overwrite {journal}, which is a cassette or another database.")
    if journal is not None and not journal.parent.is_dir():
        raise Trouble(f"The journal {journal} cannot be written: there is no folder {journal.parent}.")


def _handler() -> logging.Handler:
    """In colour for people; a line a message for files."""
    if not sys.stderr.isatty():
        return logging.StreamHandler()
    from rich.console import Console
    from rich.logging import RichHandler

    return RichHandler(console=Console(stderr=True), show_time=False, show_path=False, markup=False)


def _ways_in(at: Addresses) -> list[str]:
    notes = []
    if at.secure == at.url:
        notes.append("`peertape ca` tells how clients trust the certificate")
    elif at.secure:
        notes.append(f"also {at.secure}; `peertape ca` tells how clients trust the certificate")
    if at.forward:
        notes.append(f"the app's HTTP proxy is {at.forward}; for https, too, it must trust that certificate")
    if at.web:
        notes.append(f"the traffic is shown at {at.web}")
    return notes


def _token_note(parts: Parts) -> list[str]:
    return [] if parts.settings.token else [f"control token (or set PEERTAPE_TOKEN): {parts.token}"]


async def _command(command: Sequence[str], at: Addresses, token: str) -> int:
    """Runs the user's command with PEERTAPE_URL and the like; its exit code. It is stopped with us."""
    told = {
        "PEERTAPE_URL": at.url,
        "PEERTAPE_TOKEN": token,
        "PEERTAPE_HTTPS_URL": at.secure,
        "PEERTAPE_PROXY": at.forward,
        "PEERTAPE_CA": at.certificate,
    }
    environment = {**os.environ, **{name: value for name, value in told.items() if value is not None}}
    try:
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdin=sys.stdin)
    except OSError as error:
        click.echo(f"Error: {command[0]} cannot be run: {error.strerror}.", err=True)
        return 127
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), TERMINATION)
        except TimeoutError:
            process.kill()
        raise
    return code if code >= 0 else 128 - code
