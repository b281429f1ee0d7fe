"""`peertape replay` beside mitmproxy's own server replay, and beside the limit of mitmproxy."""

from __future__ import annotations

from benchmarks.comparing import Demand
from benchmarks.parts.part import Part
from benchmarks.peers.mitmproxy import Hook, ServerReplay
from benchmarks.peers.peer import Conditions
from benchmarks.peers.peertape import Replay


def proxy_lane(conditions: Conditions) -> Part:
    replay, hook, server_replay = Replay("replay"), Hook(), ServerReplay()
    demands = [Demand(replay.name, hook.name, 0.9), Demand(replay.name, server_replay.name, 3)]
    peers = [replay, hook, server_replay]
    return Part("proxy-lane", "The proxy lane", conditions.exchanges, replay.name, peers, demands)
