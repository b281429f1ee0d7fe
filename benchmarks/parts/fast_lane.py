"""`peertape serve` beside mock servers, and beside the limits of its server and of the machine."""

from __future__ import annotations

from benchmarks.comparing import Faster, Quantity, Target, Within
from benchmarks.parts.part import Part, with_all
from benchmarks.peers.granian import Granian
from benchmarks.peers.mockoon import Mockoon
from benchmarks.peers.nginx import Nginx
from benchmarks.peers.peer import Conditions
from benchmarks.peers.peertape import Replay
from benchmarks.peers.prism import Prism
from benchmarks.peers.wiremock import WireMock


def fast_lane(conditions: Conditions) -> Part:
    serve, empty = Replay("serve"), Granian()
    mappings, mapping = WireMock(conditions), WireMock(conditions, single=True)
    limits = [empty, Granian(holding=True), Nginx(conditions)]
    peers = [serve, Replay("serve", workers=2), *limits, mapping, mappings, Mockoon(conditions), Prism(conditions)]
    targets: list[Target] = [
        Faster(serve.name, mappings.name, 20),
        Faster(serve.name, mapping.name, 2),
        Faster(serve.name, empty.name, 0.6),
        Within(serve.name, Quantity.P99, 10),
    ]
    return Part("fast-lane", "The fast lane", serve.name, with_all(peers, conditions.exchanges), targets)
