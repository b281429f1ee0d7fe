"""A cassette that cannot be read, or a shared state that does not answer, is told to whoever started the run."""

from __future__ import annotations

import logging

from peertape.cassettes.errors import CassetteError
from peertape.proxy.engine.state.interface import StateLostError
from peertape.proxy.lanes.lane import ONCE

logger = logging.getLogger(__name__)


class Outages:
    """Tells each kind once, not with each request."""

    def __init__(self) -> None:
        self._told: set[type[Exception]] = set()

    def tell(self, error: StateLostError | CassetteError) -> None:
        kind = StateLostError if isinstance(error, StateLostError) else CassetteError
        if kind not in self._told:
            self._told.add(kind)
            logger.warning("%s Who asks gets a 503 meanwhile.", error, extra=ONCE)
