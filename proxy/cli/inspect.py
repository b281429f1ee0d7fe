"""`peertape inspect`."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import click
from mitmproxy.addons.view import View
from mitmproxy.http import HTTPFlow
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.tools.web.master import WebMaster

from peertape.cassettes import listing
from peertape.cassettes.bodies import Body, SliceBody
from peertape.cassettes.interchange.flows import flow_of
from peertape.cassettes.model import Exchange, State
from peertape.cassettes.store import Cassette
from peertape.config import settings as config
from peertape.proxy.cli.cassette.opening import opened
from peertape.proxy.cli.trouble import Trouble, explained
from peertape.proxy.lanes.lane import LaneError, demand_free, free_port, stopped_by_signals
from peertape.proxy.lanes.mitm import quiet

PORT = 8081
BATCH = 50  # exchanges that are shown at once, so that the window stays alive meanwhile
LARGEST_SHOWN = 4 * 1024 * 1024  # octets of a body: mitmproxy holds every flow whole in memory
MARKS = {State.OPEN: ":hourglass:", State.CUT: ":scissors:", State.FAILED: ":boom:", State.UNSTORED: ":wastebasket:"}


@click.command(name="inspect")
@click.argument("cassette", required=False)
@click.option("--tui", is_flag=True, help="In mitmproxy's console program, here in the terminal.")
@click.option("--open", "browser", is_flag=True, help="Open the browser, too.")
@click.option("--listen", metavar="HOST:PORT", help=f"Where mitmweb is.  [default: 127.0.0.1:{PORT}, or a free port]")
@explained
def command(cassette: str | None, tui: bool, browser: bool, listen: str | None) -> None:
    """Look at the exchanges of CASSETTE in mitmweb: search, filter, compare, copy as curl. Nothing is recorded or sent.

    Each flow's comment tells the number of the exchange, what became of it, and who asked; those that are not complete
    are marked. Without CASSETTE: ./peertape.cassette; `demo` is the bundled one. Ctrl-C ends it.

    \b
      peertape inspect
      peertape inspect demo --open
      peertape inspect peertape.cassette --tui
    """
    settings = config.load({"listen": listen})
    if tui and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Trouble("--tui needs a terminal; without it, the exchanges are shown in mitmweb.")
    with opened(cassette or settings.cassette) as found:
        quiet()
        try:
            asyncio.run(_console(found) if tui else _web(found, settings.listen if listen else None, browser))
        except LaneError as error:
            raise Trouble(str(error)) from error


async def _console(cassette: Cassette) -> None:
    from mitmproxy.tools.console.master import ConsoleMaster  # loads all of urwid

    master = ConsoleMaster(Options())
    await _run(master, Exhibition(master, master.view, cassette))


async def _web(cassette: Cassette, listen: str | None, browser: bool) -> None:
    host, port = config.address(listen) if listen else ("127.0.0.1", free_port(PORT))
    demand_free((host, port))
    master = WebMaster(Options(), with_termlog=False)
    master.options.update(web_host=host, web_port=port or free_port(0), web_open_browser=browser)

    def announce(shown: int) -> None:
        print(f"listening on {master.web_url.partition('/?')[0]}", flush=True)
        click.echo(f"{shown} exchanges of {cassette.place}: open {master.web_url}", err=True)

    await _run(master, Exhibition(master, master.view, cassette, announce))


async def _run(master: Master, exhibition: Exhibition) -> None:
    master.options.update(server=False)
    master.addons.add(exhibition)
    with stopped_by_signals(master.shutdown):
        try:
            await master.run()
        except SystemExit as error:
            raise LaneError("mitmproxy could not start; what it said stands above.") from error
        finally:
            await exhibition.ended()


class Exhibition:
    """Puts the exchanges of a cassette into mitmproxy's list of flows, once that is there."""

    def __init__(
        self, master: Master, view: View, cassette: Cassette, announce: Callable[[int], None] | None = None
    ) -> None:
        """`announce` is told how many there are when all are shown."""
        self._master = master
        self._view = view
        self._cassette = cassette
        self._announce = announce
        self._task: asyncio.Task[None] | None = None

    def running(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._show())

    async def ended(self) -> None:
        """Raises what went wrong meanwhile."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _show(self) -> None:
        try:
            shown = 0
            for batch in _batches(self._cassette):
                self._view.add(batch)
                shown += len(batch)
                await asyncio.sleep(0)
            if self._announce is not None:
                self._announce(shown)
        except BaseException:
            self._master.shutdown()
            raise


def _batches(cassette: Cassette) -> Iterator[list[HTTPFlow]]:
    batch: list[HTTPFlow] = []
    for exchange in cassette.exchanges():
        batch.append(exhibit(exchange, _identity(cassette, exchange)))
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def _identity(cassette: Cassette, exchange: Exchange) -> str:
    keys = listing.keys(cassette, exchange.id)
    return listing.identity(cassette, keys.credential if keys else None)


def exhibit(exchange: Exchange, identity: str) -> HTTPFlow:
    """The exchange as a flow whose comment tells what mitmproxy does not know of it."""
    shortened = _shortened(exchange)
    flow = flow_of(shortened)
    notes = [f"exchange {exchange.id}", str(exchange.state), identity]
    if shortened != exchange:
        notes.append(f"long bodies are cut here after {LARGEST_SHOWN >> 20} MiB")
    flow.comment = ", ".join(notes)
    flow.marked = MARKS.get(exchange.state, "")
    return flow


def _shortened(exchange: Exchange) -> Exchange:
    request, response = exchange.request, exchange.response
    if request.body.size > LARGEST_SHOWN:
        request = replace(request, body=_start(request.body))
    if response is not None and response.body.size > LARGEST_SHOWN:
        response = replace(response, body=_start(response.body))
    if request is exchange.request and response is exchange.response:
        return exchange
    return replace(exchange, request=request, response=response)


def _start(body: Body) -> Body:
    return SliceBody(body, 0, LARGEST_SHOWN)
