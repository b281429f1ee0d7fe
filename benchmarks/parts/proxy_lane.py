"""`peertape replay` beside mitmproxy's own server replay, and beside the limit of mitmproxy."""

from __future__ import annotations

from benchmarks.comparing import Faster
from benchmarks.parts.part import Part, with_all
from benchmarks.peers.mitmproxy import Hook, ServerReplay
from benchmarks.peers.peer import Conditions
from benchmarks.peers.peertape import Replay


def proxy_lane(conditions: Conditions) -> Part:
    replay, hook, server_replay = Replay("replay"), Hook(), ServerReplay()
    targets = [Faster(replay.name, hook.name, 0.9), Faster(replay.name, server_replay.name, 3)]
    contenders = with_all([replay, hook, server_replay], conditions.exchanges)
    return Part("proxy-lane", "The proxy lane", replay.name, contenders, targets)
