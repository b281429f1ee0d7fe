"""The proxy lane as the settings want it. Whoever imports this imports mitmproxy."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from peertape.config import settings as config
from peertape.config.settings import Settings
from peertape.proxy.lanes.mitm import NOWHERE, ProxyLane


def proxy_lane(
    settings: Settings,
    addons: Sequence[object],
    upstream: str = NOWHERE,
    *,
    web: bool,
    intercepted: Collection[str] | None = None,
) -> ProxyLane:
    """The forward proxy looks into connections to `intercepted`, or to all."""
    return ProxyLane(
        config.address(settings.listen),
        addons,
        upstream,
        forward=config.address(settings.forward) if settings.forward else None,
        web=web,
        insecure=settings.insecure,
        upstream_ca=settings.upstream_ca,
        intercepted=intercepted,
        confdir=settings.confdir,
        tls_hosts=settings.tls_host,
    )
