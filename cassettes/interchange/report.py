"""What an import met on its way, for the one line that the user reads afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from peertape.cassettes.model import Exchange, State

type Progress = Callable[[int], None]  # is told the position in the file, in octets


@dataclass(slots=True)
class ImportReport:
    """Filled while the file is read; the one mutable thing here, since readers are generators."""

    read: int = 0
    incomplete: Counter[State] = field(default_factory=Counter)  # among those read
    skipped: Counter[str] = field(default_factory=Counter)  # what is no exchange: "tcp", "dns", "connect", "data", ...
    without_request_body: int = 0  # the request had a body, and the file does not carry it

    def took(self, exchange: Exchange) -> Exchange:
        self.read += 1
        if exchange.state is not State.COMPLETE:
            self.incomplete[exchange.state] += 1
        return exchange
