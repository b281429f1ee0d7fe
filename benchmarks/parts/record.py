"""`peertape record` beside mitmproxy as a bare reverse proxy, and beside one that saves flows, in front of nginx."""

from __future__ import annotations

from benchmarks.comparing import Demand
from benchmarks.parts.part import Part
from benchmarks.peers.mitmproxy import Reverse
from benchmarks.peers.nginx import Nginx
from benchmarks.peers.peer import Conditions
from benchmarks.peers.peertape import Record


def record(conditions: Conditions) -> Part:
    ours, bare, saving = Record(), Reverse(), Reverse(saving=True)
    return Part(
        name="record",
        title="Recording",
        exchanges=conditions.exchanges,
        standard=ours.name,
        peers=[ours, bare, saving],
        demands=[Demand(ours.name, bare.name, 0.8), Demand(ours.name, saving.name, 1)],
        upstream=Nginx(conditions),
        writes=True,
    )
