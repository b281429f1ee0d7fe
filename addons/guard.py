"""Offline is offline: while this addon is loaded, no connection leaves for the outside."""

from __future__ import annotations

import logging
from collections.abc import Callable

from mitmproxy.proxy.server_hooks import ServerConnectionHookData

logger = logging.getLogger(__name__)

Allowed = Callable[[tuple[str, int]], bool]


class Guard:
    """Refuses every connection but those to peertape's own loopback port."""

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed
        self.refused = 0

    def server_connect(self, data: ServerConnectionHookData) -> None:
        address = data.server.address
        if address is not None and self._allowed((address[0], address[1])):
            return
        self.refused += 1
        data.server.error = "peertape replays offline: it connects to nothing"
        logger.warning("a connection to %s was refused: a replay is offline", address)
