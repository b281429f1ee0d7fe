"""What shall go wrong, and how long answers take."""

from __future__ import annotations

from dataclasses import dataclass

from peertape.config.faults import NO_LATENCY, Fault, Latency

SEEDS = 2**32  # a drawn seed is below


@dataclass(frozen=True, slots=True)
class Plan:
    """Of a run or of a session. The first fault that can strike a request does."""

    faults: tuple[Fault, ...] = ()
    latency: Latency = NO_LATENCY
    seed: int = 0

    @property
    def is_random(self) -> bool:
        return self.latency.is_random or any(fault.is_random for fault in self.faults)
