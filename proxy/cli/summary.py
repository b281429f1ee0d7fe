"""What a run says at its end, on standard error."""

from __future__ import annotations

import click

from peertape.cassettes.errors import CassetteError
from peertape.proxy.cli.cassette.wording import printable
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.tally import Tally

MISSES_SHOWN = 10


def show(tally: Tally, shelf: Shelf) -> None:
    """Answers by source; new, missed and never-used recordings; and what broke the strictness."""
    by_source = ", ".join(f"{count} {source}" for source, count in tally.sources.most_common())
    _say(f"{tally.answers} answers{': ' if by_source else ''}{by_source}")
    if tally.recorded:
        _say(f"{tally.recorded} new recordings")
    for cassette in shelf.cassettes:
        used = sum(1 for name, _ in tally.used if name == cassette.name)
        try:
            stored = cassette.count()
        except CassetteError as error:  # its server is away, or its file is damaged meanwhile
            _say(f"{cassette.name}: {used} recordings used. {error}")
            continue
        if used or not tally.recorded:  # a recording that only records has nothing to use
            _say(f"{cassette.name}: {used} of {stored} recordings used, {stored - used} never")
    if tally.missed:
        _say(f"{len(tally.missed)} {_requests(len(tally.missed))} missed:")
        for request, count in tally.missed.most_common(MISSES_SHOWN):
            _say(f"  {request}{f' ({count} times)' if count > 1 else ''}")
        if len(tally.missed) > MISSES_SHOWN:
            _say(f"  and {len(tally.missed) - MISSES_SHOWN} more; --journal FILE keeps all")
    if tally.broken:
        broken = ", ".join(f"{count} {source}" for source, count in tally.broken.most_common())
        _say(f"not strict: {broken}")


def _say(text: str) -> None:
    click.echo(printable(text), err=True)


def _requests(count: int) -> str:
    return "request was" if count == 1 else "different requests were"
