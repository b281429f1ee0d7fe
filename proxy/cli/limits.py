"""The rate limits of a run, and what it says of them."""

from __future__ import annotations

import logging
from collections.abc import Callable

from peertape.config import trust
from peertape.config.durations import spelled
from peertape.config.limits import Limits
from peertape.config.settings import Settings
from peertape.proxy.engine.limits.askers import RecordedAskers
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.stages.limits import LimitsStage, Refused
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.tokens import is_over
from peertape.proxy.lanes.lane import ONCE

logger = logging.getLogger(__name__)


def limits_stage(limits: Limits, settings: Settings, shelf: Shelf, answers: Answers) -> LimitsStage:
    askers = RecordedAskers(shelf, is_over)
    return LimitsStage(limits, askers, answers, trust.networks(settings.trust_proxy), once_noted())


def once_noted() -> Callable[[Refused], None]:
    """Tells the user of a run's first 429, which may surprise: PeerTube would have sent it as well."""
    noted = False

    def note(refused: Refused) -> None:
        nonlocal noted
        if noted:
            return
        noted = True
        limit = refused.limit
        requests = "request" if limit.max == 1 else "requests"
        logger.warning(
            "rate limited, as by PeerTube (429): bucket %s allows %s %s in %s, and %s asked for more; "
            "--limits off switches limits off, --limits 'peertube*10' raises them.",
            refused.bucket,
            limit.max,
            requests,
            spelled(limit.window),
            refused.address or "a client",
            extra=ONCE,
        )

    return note
