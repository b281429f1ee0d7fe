"""`peertape record` beside mitmproxy as a bare reverse proxy, and beside one that saves flows, in front of nginx."""

from __future__ import annotations

from benchmarks.comparing import Faster
from benchmarks.parts.part import Contender, Part, with_all
from benchmarks.peers.mitmproxy import Reverse
from benchmarks.peers.nginx import Nginx
from benchmarks.peers.peer import Conditions
from benchmarks.peers.peertape import Record


def record(conditions: Conditions) -> Part:
    ours, bare, saving = Record(), Reverse(), Reverse(saving=True)
    return Part(
        name="record",
        title="Recording",
        standard=ours.name,
        contenders=with_all([ours, bare, saving], conditions.exchanges),
        targets=[Faster(ours.name, bare.name, 0.8), Faster(ours.name, saving.name, 1)],
        upstream=Contender(Nginx(conditions), conditions.exchanges),
        writes=True,
    )
