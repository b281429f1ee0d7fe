"""By which Host a request came, and which recordings may answer it.

A Host under which something was recorded is taken at its word (a wrong Host has answers of its own). Any other is the
address at which peertape itself listens, and stands for the public one.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from peertape.cassettes.store import Candidate, Cassette


def of_host(host: str, candidates: list[Candidate], cassette: Cassette) -> list[Candidate]:
    """Those of the candidates that the Host may be answered with."""
    if not candidates:
        return []
    if host in cassette.authorities():
        return [candidate for candidate in candidates if candidate.authority == host]
    public = main_authority(cassette)
    return [candidate for candidate in candidates if candidate.authority == public]


def main_authority(cassette: Cassette) -> str | None:
    """The recorded Host of the public instance; else the Host under which the first exchange was recorded."""
    known = cassette.authorities()
    origin = cassette.public_origin
    public = urlsplit(origin).netloc if origin else None
    if public in known:
        return public
    first = next(cassette.candidates(), None)
    return first.authority if first else None
