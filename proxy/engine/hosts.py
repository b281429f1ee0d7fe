"""By which Host a request came, and which recordings may answer it.

A Host under which something was recorded is taken at its word (a wrong Host has answers of its own). Any other is the
address at which peertape itself listens, and stands for the public one; but not so through a forward proxy, where the
app names the real hosts, unless the user says that one is an alias.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from peertape.cassettes.candidates import Candidate
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.model import Request


def of_host(request: Request, candidates: list[Candidate], cassette: Cassette) -> list[Candidate]:
    """Those of the candidates that the request's Host may be answered with."""
    if not candidates:
        return []
    host = request.host
    if request.reached is not None:
        candidates = [candidate for candidate in candidates if candidate.scheme == request.scheme]
    if host in cassette.authorities():
        return [candidate for candidate in candidates if candidate.authority == host]
    if not request.origin_form and not request.by_alias and host != _public(cassette):
        return []
    public = main_authority(cassette)
    return [candidate for candidate in candidates if candidate.authority == public]


def may_answer(request: Request, authority: str, cassette: Cassette) -> bool:
    """Whether a socket that was recorded under that Host may answer: another host's only who asks for that host."""
    if request.host == authority or request.reached is not None:
        return request.host == authority
    is_named = any(origin.authority == authority for origin in cassette.named_origins())
    return is_instance(authority, cassette) or not is_named


def main_authority(cassette: Cassette) -> str | None:
    """The recorded Host of the public instance; else the Host under which the first exchange was recorded."""
    known = cassette.authorities()
    public = _public(cassette)
    if public in known:
        return public
    return cassette.first_authority


def is_instance(host: str, cassette: Cassette) -> bool:
    """Whether that Host is the instance's, and not that of its files elsewhere."""
    return host in hosts_of_instance(cassette)


def hosts_of_instance(cassette: Cassette) -> frozenset[str | None]:
    upstream = urlsplit(cassette.meta().get("upstream", "")).netloc
    return frozenset({upstream, _public(cassette), main_authority(cassette)})


def names(cassette: Cassette) -> frozenset[str]:
    """The host names, without ports, of which something was recorded; and the public one."""
    authorities = {*cassette.authorities(), _public(cassette) or ""}
    return frozenset(host for authority in authorities if (host := _host_name(authority)))


def _host_name(authority: str) -> str | None:
    try:
        return urlsplit(f"//{authority}").hostname
    except ValueError:  # whatever a client sent as its Host was recorded
        return None


def _public(cassette: Cassette) -> str | None:
    origin = cassette.public_origin
    return urlsplit(origin).netloc if origin else None
