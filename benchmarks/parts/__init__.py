"""The parts of the benchmark, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.parts.fast_lane import fast_lane
from benchmarks.parts.growth import growth
from benchmarks.parts.part import Part
from benchmarks.parts.proxy_lane import proxy_lane
from benchmarks.parts.record import record
from benchmarks.peers.peer import Conditions

PARTS: Mapping[str, Callable[[Conditions], Part]] = {
    "fast-lane": fast_lane,
    "proxy-lane": proxy_lane,
    "record": record,
    "growth": growth,
}
