"""What a larger cassette costs, beside programs that hold everything in memory."""

from __future__ import annotations

from itertools import takewhile

from benchmarks.comparing import NoMore, Quantity, Target, Within
from benchmarks.parts.part import Contender, Part
from benchmarks.peers.mitmproxy import ServerReplay
from benchmarks.peers.peer import Conditions
from benchmarks.peers.peertape import Replay
from benchmarks.peers.wiremock import WireMock

SIZES = (1_000, 10_000, 100_000, 1_000_000)
MOST_IN_MEMORY = 100_000  # exchanges: ten times as many would need ten times what they hold then
ROUNDS = 3
STARTS = 5
AS_QUICK = 1.5
AS_SMALL = 1.25  # memory: a larger cassette fills the same caches
PROMPT = 700  # milliseconds to the first answer


def growth(conditions: Conditions) -> Part:
    serve = Replay("serve")
    sizes = [size for size in SIZES if size <= conditions.largest] or [conditions.exchanges]
    ours = [Contender(serve, size, sized=True) for size in sizes]
    theirs = [
        Contender(peer, size, sized=True)
        for peer in (WireMock(conditions), ServerReplay())
        for size in takewhile(lambda size: size <= MOST_IN_MEMORY, sizes)
    ]
    smallest, largest = ours[0].name, ours[-1].name
    targets: list[Target] = [Within(largest, Quantity.STARTED, PROMPT)]
    if smallest != largest:
        targets += [
            NoMore(largest, smallest, Quantity.P50, AS_QUICK),
            NoMore(largest, smallest, Quantity.STARTED, AS_QUICK),
            NoMore(largest, ours[1].name, Quantity.MEMORY, AS_SMALL),  # of the smallest one, fewer answers are kept
        ]
    return Part("growth", "Growth", smallest, [*ours, *theirs], targets, rounds=ROUNDS, starts=STARTS, sorted=sizes)
