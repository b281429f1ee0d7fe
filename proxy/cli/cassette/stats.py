"""`peertape cassette stats`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict

import click

from peertape.cassettes import listing
from peertape.cassettes.listing import Statistics
from peertape.proxy.cli.cassette.opening import opened
from peertape.proxy.cli.cassette.wording import moment, printable, size
from peertape.proxy.cli.trouble import explained


@click.command(name="stats")
@click.argument("cassette")
@click.option("--json", "as_json", is_flag=True, help="One JSON object; times are epoch seconds, sizes are octets.")
@explained
def command(cassette: str, as_json: bool) -> None:
    """Count what is in CASSETTE: methods, answers, routes, users, and the size of the bodies.

    \b
      peertape cassette stats demo
      peertape cassette stats peertape.cassette --json | jq .identities
    """
    with opened(cassette) as found:
        statistics = listing.statistics(found)
        octets = found.place.octets()
    if as_json:
        click.echo(json.dumps({**asdict(statistics), "file": octets}, ensure_ascii=False))
        return
    for line in _lines(statistics, octets):
        click.echo(printable(line))


def _lines(statistics: Statistics, octets: int) -> Iterator[str]:
    messages = f", with {statistics.messages} WebSocket messages" if statistics.messages else ""
    yield f"exchanges      {statistics.exchanges}{messages}"
    if statistics.first is not None and statistics.last is not None:
        yield f"recorded       {moment(statistics.first)} to {moment(statistics.last)}"
    yield f"methods        {_counts(statistics.methods)}"
    yield f"statuses       {_counts(statistics.statuses)}"
    yield f"states         {_counts(statistics.states)}"
    yield f"identities     {_identities(statistics)}"
    yield f"public origin  {statistics.public_origin or 'unknown'}"
    yield f"upstream       {statistics.upstream or 'unknown'}"
    yield f"PeerTube       {statistics.server_version or 'unknown'}"
    yield f"bodies         {size(statistics.transferred)} transferred"
    yield f"               {size(statistics.deduplicated)} without repetitions"
    yield f"               {size(statistics.stored)} as they are stored"
    yield f"file           {size(octets)}, format {statistics.format_version}"
    which = ", the most frequent:" if statistics.all_routes > len(statistics.routes) else ":"
    yield f"routes         {statistics.all_routes}{which if statistics.routes else ''}"
    width = max((len(str(count)) for count in statistics.routes.values()), default=0)
    for route, count in statistics.routes.items():
        yield f"  {count:>{width}}  {route}"


def _identities(statistics: Statistics) -> str:
    named = {
        f"{name} ({role})" if (role := statistics.roles.get(name)) else name: count
        for name, count in statistics.identities.items()
    }
    return _counts(named)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"
