"""`peertape serve` beside mock servers, and beside the limits of its server and of the machine."""

from __future__ import annotations

from benchmarks.comparing import Demand, Promptness
from benchmarks.parts.part import Part
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
    demands: list[Demand | Promptness] = [
        Demand(serve.name, mappings.name, 20),
        Demand(serve.name, mapping.name, 2),
        Demand(serve.name, empty.name, 0.6),
        Promptness(serve.name, 0.010),
    ]
    return Part("fast-lane", "The fast lane", conditions.exchanges, serve.name, peers, demands)
