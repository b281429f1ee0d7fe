"""Files of other hosts, where there is an instance: what `record` and `proxy` have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mitmproxy import http

from peertape.addons.addresses import Addresses, Backend, OffLimitsError
from peertape.addons.convert import is_elsewhere
from peertape.addons.elsewhere import Elsewhere, Refusals, RelayElsewhere
from peertape.addons.handoff import Handoff
from peertape.addons.instance import AwayError, Instance
from peertape.addons.livelinks import LiveLinks
from peertape.addons.presence import Presence
from peertape.addons.replayer import Replayer
from peertape.cassettes.recording import Recording
from peertape.config.settings import Settings
from peertape.proxy.cli.assembly import Parts
from peertape.proxy.engine.intake import Intake
from peertape.proxy.engine.model import Answer

REFUSED, BAD_GATEWAY = 403, 502
PATIENCE = 60.0  # seconds for a host where nothing takes its place


@dataclass(frozen=True, slots=True)
class WayElsewhere:
    """Two addons: `entrance` is loaded first, `relay` before what looks at answers."""

    entrance: Elsewhere
    relay: RelayElsewhere


def way_elsewhere(
    settings: Settings,
    parts: Parts,
    recording: Recording,
    links: LiveLinks,
    origin: Callable[[], str | None],
    handoff: Handoff,
    replayer: Replayer,
    presence: Callable[[str], Presence] | None = None,
) -> WayElsewhere:
    """`presence` gives that of an origin, if the recording answers while that is away; else every request is tried."""
    addresses = Addresses(settings.upstream or "", settings.allow_host)
    refusals = Refusals(parts.source_stage(), parts.sessions)

    def instead(flow: http.HTTPFlow, intake: Intake | None, failure: AwayError | OffLimitsError) -> Answer:
        if isinstance(failure, OffLimitsError):
            return refusals.of(flow, REFUSED, str(failure))
        if presence is not None:
            return replayer.ask(flow, intake)
        return refusals.of(flow, BAD_GATEWAY, f"{flow.request.host_header} is away: {failure}.")

    timeout = PATIENCE if presence is None else settings.upstream_timeout
    instance = Instance(timeout, insecure=settings.insecure, ca=settings.upstream_ca, backend=Backend(addresses))
    asked = presence or _always_there
    return WayElsewhere(
        Elsewhere(recording, links.led, addresses, origin),
        RelayElsewhere(instance, asked, handoff, replayer, asks=is_elsewhere, instead=instead),
    )


def _always_there(_: str) -> Presence:
    """One that has not failed yet."""
    return Presence(lambda sentence: None, 0.0)  # noqa: ARG005
