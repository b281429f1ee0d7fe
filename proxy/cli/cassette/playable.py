"""`peertape cassette lint --playable`: whether recorded videos can be played without the instance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from peertape.cassettes.store import Cassette
from peertape.config import settings as config
from peertape.config.patterns import Pattern
from peertape.proxy.cli.assembly import ignore_rules
from peertape.proxy.cli.cassette.wording import printable
from peertape.proxy.cli.opencassettes import open_cassettes
from peertape.proxy.engine.inventory import recorded, video
from peertape.proxy.engine.inventory.holdings import Holdings
from peertape.proxy.engine.inventory.recorded import RecordedVideo
from peertape.proxy.engine.inventory.renditions import Choice
from peertape.proxy.engine.inventory.report import Gap, Lack, Report, Way, report, survey
from peertape.proxy.engine.inventory.scope import Scope
from peertape.proxy.engine.matching import Matcher
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.tolerance import Tolerance


def reports(names: Sequence[str], patterns: Sequence[Pattern], choice: Choice) -> list[Report]:
    """Of every video whose details are recorded, or of those whose path in the API fits."""
    settings = config.load({})
    with ExitStack() as stack:
        cassettes = open_cassettes(names, settings)
        for cassette in cassettes:
            stack.callback(cassette.close)
        matcher = Matcher(Tolerance(ignore_rules(settings)))
        wanted = [one for one in recorded.videos(cassettes) if _is_wanted(one, patterns)]
        made = (of_video(one, cassettes, matcher, Scope(choice), settings.public_url) for one in wanted)
        return [one for one in made if one is not None]


def of_video(
    wanted: RecordedVideo, cassettes: Sequence[Cassette], matcher: Matcher, scope: Scope, public_url: str | None
) -> Report | None:
    holdings = Holdings(Shelf(cassettes), matcher, wanted.asker)
    walk = video.video(wanted.uuid, recorded.home_of(cassettes, public_url), scope)
    outline, found = survey(walk, holdings.look)
    return report(outline, found, scope.renditions) if outline is not None else None


def plain(made: Sequence[Report]) -> Iterator[str]:
    """A line a finding."""
    for one in made:
        about = f"{one.uuid} {one.title}"
        if one.problem is not None:
            yield f"{about}: not playable: {one.problem}"
        for way in one.ways:
            for gap in way.gaps:
                yield f"{about}: {way.rendition.label}: missing {gap_text(gap)}"
            for need in way.lacks:
                yield f"{about}: {way.rendition.label}: missing {need.place.target}"
        for lack in one.lacks:
            yield f"{about}: {lack.what}: missing {lack.target}{_refused(lack)}"


def show(console: Console, made: Sequence[Report]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("video", "renditions", "missing besides"):
        table.add_column(column, overflow="fold")
    for one in made:
        state = Text("playable", style="green") if one.is_playable else Text(one.problem or "", style="red")
        name = Text.assemble((printable(one.title), "bold"), "\n", (one.uuid, "dim"), "\n", state)
        ways = Text("\n").join(_way_text(way) for way in one.ways)
        table.add_row(name, ways, Text(printable("\n".join(besides(one)))))
        table.add_row()
    console.print(table)


def summary(made: Sequence[Report]) -> str:
    playable = sum(one.is_playable for one in made)
    return f"playable: {playable} of {len(made)} recorded videos"


def as_object(made: Sequence[Report]) -> dict[str, object]:
    return {
        "playable": sum(one.is_playable for one in made),
        "videos": [
            {
                "uuid": one.uuid,
                "title": one.title,
                "live": one.is_live,
                "playable": one.is_playable,
                "problem": one.problem,
                "renditions": [_way_object(way) for way in one.ways],
                "missing": [
                    {"what": lack.what, "target": lack.target, "status": lack.status, "needed": lack.is_needed}
                    for lack in one.lacks
                ],
            }
            for one in made
        ],
    }


def _way_object(way: Way) -> dict[str, object]:
    return {
        "name": way.rendition.label,
        "wanted": way.is_wanted,
        "complete": way.is_complete,
        "segments": way.segments,
        "seconds": round(way.seconds, 3),
        "missing_segments": way.missing,
        "missing_seconds": round(way.missing_seconds, 3),
        "missing": [
            {
                "target": gap.target,
                "segments": None if gap.first is None else [gap.first, gap.last],
                "octets": None if gap.octets is None else list(gap.octets),
                "from": round(gap.start, 3),
                "to": round(gap.end, 3),
            }
            for gap in way.gaps
        ],
        "missing_playlists": [need.place.target for need in way.lacks],
    }


def besides(one: Report) -> Iterator[str]:
    """What else is missing, by kind."""
    what: Callable[[Lack], str] = lambda lack: lack.what  # noqa: E731
    for kind, lacks in groupby(sorted(one.lacks, key=what), what):
        found = list(lacks)
        refused = sorted({str(lack.status) for lack in found if lack.status is not None})
        count = f" ({len(found)})" if len(found) > 1 else ""
        yield f"{kind}{count}" + (f", answered {', '.join(refused)}" if refused else "")


def _way_text(way: Way) -> Text:
    label = way.rendition.label
    told = f", {way.segments} segments, {clock(way.seconds)}" if way.segments else ""
    if way.is_complete:
        return Text.assemble((label, "green"), told)
    if way.lacks:
        return Text.assemble((label, "yellow"), ": no playlist")
    gaps = [gap_text(gap) for gap in way.gaps]
    shown = gaps[:4] + ([f"and {len(gaps) - 4} more gaps"] if len(gaps) > 4 else [])
    return Text.assemble((label, "yellow"), told, ": missing ", "; ".join(shown))


def gap_text(gap: Gap) -> str:
    """`segments 3 to 7 (octets 1377-156478, 0:08 to 0:28)`."""
    octets = f"octets {gap.octets[0]}-{gap.octets[1]}" if gap.octets else ""
    if gap.first is None:
        return f"the head ({octets})" if octets else "the file"
    which = f"segment {gap.first}" if gap.first == gap.last else f"segments {gap.first} to {gap.last}"
    details = ", ".join(filter(None, (octets, f"{clock(gap.start)} to {clock(gap.end)}")))
    return f"{which} ({details})"


def clock(seconds: float) -> str:
    """`1:02:03`, `0:08`."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _refused(lack: Lack) -> str:
    return f" (answered {lack.status})" if lack.status is not None else ""


def _is_wanted(one: RecordedVideo, patterns: Sequence[Pattern]) -> bool:
    return not patterns or any(each.matches("GET", path) for each in patterns for path in one.paths)
