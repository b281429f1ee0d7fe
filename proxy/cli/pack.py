"""`peertape pack`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import click

from peertape.addons.addresses import Addresses, Backend
from peertape.addons.instance import Instance
from peertape.cassettes import places
from peertape.cassettes.recording import Recording
from peertape.cassettes.store import Cassette
from peertape.config import settings as config
from peertape.config.settings import Settings, SettingsError
from peertape.proxy.cli import assembly, options
from peertape.proxy.cli.cassette import playable
from peertape.proxy.cli.cassette.wording import printable, size
from peertape.proxy.cli.interrupts import STOPPED
from peertape.proxy.cli.opencassettes import redaction_rules
from peertape.proxy.cli.packing import login
from peertape.proxy.cli.packing.asking import PATIENCE, AskedInVainError, Asking
from peertape.proxy.cli.packing.packer import Packer, RecordingFailedError
from peertape.proxy.cli.packing.patience import Patience
from peertape.proxy.cli.packing.showing import Showing, showing
from peertape.proxy.cli.trouble import Trouble, explained
from peertape.proxy.engine.inventory import groups, names, recorded, video
from peertape.proxy.engine.inventory.holdings import Asker, Holdings
from peertape.proxy.engine.inventory.names import Kind, Root, UnknownNameError
from peertape.proxy.engine.inventory.places import Home, origin_of
from peertape.proxy.engine.inventory.renditions import ChoiceError, choice
from peertape.proxy.engine.inventory.report import Report, report, survey
from peertape.proxy.engine.inventory.scope import Scope
from peertape.proxy.engine.matching import Matcher
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.tolerance import Tolerance

NOT_ALL = 1
_SHOWN = 10  # of what could not be had


@click.command(name="pack")
@click.argument("what", nargs=-1, required=True, metavar="VIDEO|PLAYLIST|CHANNEL...")
@options.upstream
@options.cassette
@click.option(
    "--renditions",
    metavar="NAMES",
    default="all",
    show_default=True,
    help="all, best, worst, audio, or heights as 720p,480p; with hls or web only that kind of file.",
)
@click.option("--latest", metavar="N", type=click.IntRange(1), help="Only the N newest videos of a channel or account.")
@click.option("--no-comments", is_flag=True, help="Leave the comments out.")
@click.option(
    "--with",
    "extras",
    type=click.Choice(["torrents", "downloads"]),
    multiple=True,
    help="Also the torrents; also the download links and what they tell of the files, which transfers these again.",
)
@click.option("--username", metavar="NAME", help=f"Log in; the password is asked for, or stands in {login.PASSWORD}.")
@click.option(
    "--video-password",
    is_flag=True,
    help=f"Videos are behind a password; it is asked for, or stands in {login.VIDEO_PASSWORD}.",
)
@options.public_url
@options.pace
@options.verification
@click.pass_context
@explained
def command(
    ctx: click.Context,
    /,
    what: tuple[str, ...],
    renditions: str,
    latest: int | None,
    no_comments: bool,
    extras: tuple[str, ...],
    username: str | None,
    video_password: bool,
    **given: Any,
) -> None:
    """Record everything that is needed to use videos, playlists, channels and accounts offline.

    They are named by UUID, short UUID, number, name, name@host, or their address on the instance. The instance's rate
    limits are heeded. What the cassette has already is not asked again: after a stop, the same command goes on.

    \b
      peertape pack --upstream https://peertube.example https://peertube.example/w/5rNpafMn7Qbqmte7b2zYHy
      peertape pack --upstream https://peertube.example --renditions 480p --latest 10 some_channel
      peertape replay --strict

    Exits with 1 if something that playing needs could not be had.
    """
    settings = config.load(given)
    upstream = assembly.demand_upstream(settings)
    try:
        scope = Scope(choice(renditions), not no_comments, "torrents" in extras, "downloads" in extras, latest)
        home = Home(frozenset(filter(None, (origin_of(upstream), origin_of(settings.public_url or "")))))
        called = [names.called(text, home) for text in what]
    except (ChoiceError, UnknownNameError) as error:
        raise SettingsError(str(error)) from error
    password = login.secret(login.PASSWORD, f"Password of {username}") if username else None
    asker = Asker(None, login.secret(login.VIDEO_PASSWORD, "Password of the videos") if video_password else None)
    with ExitStack() as stack:
        place = places.named(settings.cassette)
        recording = Recording(place, redaction_rules(settings), upstream, lambda _: None)
        stack.callback(recording.close)
        cassette = Cassette(place, rules=redaction_rules(settings))
        stack.callback(cassette.close)
        shown = stack.enter_context(showing())
        run = _Run(settings, upstream, scope, home, recording, cassette, shown)
        try:
            ctx.exit(asyncio.run(run.pack(called, asker, username, password)))
        except KeyboardInterrupt:
            click.echo(f"stopped; {place} keeps what came, and the same command goes on.", err=True)
            ctx.exit(STOPPED)
        except RecordingFailedError as error:
            raise Trouble(str(error)) from error
        except AskedInVainError as error:
            raise Trouble(f"{upstream} is away: {error}. {place} keeps what came; the same command goes on.") from error


@dataclass(slots=True)
class _Run:
    settings: Settings
    upstream: str
    scope: Scope
    home: Home
    recording: Recording
    cassette: Cassette
    shown: Showing

    async def pack(
        self, called: Sequence[names.Called], asker: Asker, username: str | None, password: str | None
    ) -> int:
        settings = self.settings
        instance = Instance(PATIENCE, insecure=settings.insecure, ca=settings.upstream_ca)
        backend = Backend(Addresses(self.upstream, settings.allow_host))
        others = Instance(PATIENCE, insecure=settings.insecure, ca=settings.upstream_ca, backend=backend)
        largest = settings.max_response_body
        asking = Asking(self.upstream, self.recording, instance, others, self.shown.octets, largest=largest)
        holdings = self._holdings(asker)
        packer = Packer(asking, self.recording, holdings, asker, self.home, Patience(settings.pace), self.shown)
        try:
            if username is not None and password is not None:
                packer.asker = Asker(await login.authorization(packer, username, password), asker.video_password)
                packer.holdings = self._holdings(packer.asker)
            roots = [await self._meant(packer, one) for one in called]
            self.shown.begins("the instance")
            await packer.run(groups.instance())
            uuids: dict[str, None] = {}
            for root in roots:
                uuids |= dict.fromkeys(await self._videos(packer, root))
            for number, uuid in enumerate(uuids, 1):
                self.shown.begins(f"video {number} of {len(uuids)}")
                await packer.run(video.video(uuid, self.home, self.scope))
        finally:
            await instance.close()
            await others.close()
        self.recording.flush()
        packer.demand_recording()
        return self._tell(packer, [self._report(packer.asker, uuid) for uuid in uuids])

    async def _meant(self, packer: Packer, called: names.Called) -> Root:
        root, held = await packer.run(names.meant(called))
        if root is None:
            raise Trouble(f"There is no video, playlist, channel or account {called.text} on {self.upstream}.")
        if not held.is_answered:
            raise Trouble(f"{called.text} is not for everybody: {_way_in(held.status, locked=video.is_locked(held))}")
        if root.kind is Kind.VIDEO and isinstance(uuid := held.members().get("uuid"), str):
            return Root(Kind.VIDEO, uuid)
        return root

    async def _videos(self, packer: Packer, root: Root) -> Sequence[str]:
        self.shown.begins(f"{root.kind} {root.name}")
        match root.kind:
            case Kind.VIDEO:
                return (root.name,)
            case Kind.PLAYLIST:
                return await packer.run(groups.playlist(root.name))
            case Kind.CHANNEL:
                return await packer.run(groups.channel(root.name, self.scope))
            case Kind.ACCOUNT:
                return await packer.run(groups.account(root.name, self.scope))

    def _holdings(self, asker: Asker, *, with_earlier: bool = False) -> Holdings:
        matcher = Matcher(Tolerance(assembly.ignore_rules(self.settings)))
        return Holdings(Shelf([self.cassette]), matcher, asker, with_earlier=with_earlier)

    def _report(self, asker: Asker, uuid: str) -> Report | None:
        """What the cassette has now, by the same list."""
        home = Home(self.home.origins | recorded.home_of([self.cassette], self.settings.public_url).origins)
        outline, found = survey(video.video(uuid, home, self.scope), self._holdings(asker).look)
        return report(outline, found, self.scope.renditions) if outline is not None else None

    def _tell(self, packer: Packer, reports: Sequence[Report | None]) -> int:
        made = [one for one in reports if one is not None]
        for one in made:
            state = "playable" if one.is_playable else f"NOT PLAYABLE: {one.problem}"
            click.echo(printable(f"{one.title} ({one.uuid}): {state}"), err=True)
            if missing := list(playable.besides(one)):
                click.echo(printable(f"  not there: {'; '.join(missing)}"), err=True)
        for failure in packer.failures[:_SHOWN]:
            click.echo(printable(f"could not be had: {failure.need.place.path}: {failure.reason}"), err=True)
        if len(packer.failures) > _SHOWN:
            click.echo(f"... and {len(packer.failures) - _SHOWN} more", err=True)
        count = sum(one.is_playable for one in made)
        click.echo(
            f"{self.cassette.place}: {count} of {len(reports)} videos playable offline; {packer.stored} answers "
            f"({size(packer.octets)}) recorded, {packer.known} were there",
            err=True,
        )
        return NOT_ALL if packer.failures or count < len(reports) else 0


def _way_in(status: int | None, *, locked: bool) -> str:
    if locked or status == 403:
        return f"it answered {status}; --video-password asks for the video's password, --username logs in."
    return f"it answered {status}; --username logs in."
