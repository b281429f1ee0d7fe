"""Links to files on other hosts, in what an instance answers and in the playlists of those hosts: to the reserved path.

A reference is changed where the client would take it to another place than the one that was meant. So those of a
playlist that are relative stay as they are, unless they begin at the root or climb above it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urljoin

from peertape.cassettes.filelinks import FileLink, file_links, redirects_to_file
from peertape.cassettes.headers import Headers
from peertape.cassettes.origin import Origin
from peertape.proxy.engine.hostpaths import PREFIX, under

# What a host says to browsers of its whole origin, which under the reserved path is ours (and the instance's).
_OF_ORIGIN = frozenset(
    {
        "set-cookie",
        "set-cookie2",
        "clear-site-data",
        "strict-transport-security",
        "public-key-pins",
        "service-worker-allowed",
        "alt-svc",
        "origin-agent-cluster",
        "nel",
        "report-to",
        "reporting-endpoints",
    }
)
# A document of another host gets an origin of its own, or its scripts would act as the app and read the control API.
_SANDBOX = ("Content-Security-Policy", "sandbox")


def _nobody(_: Origin) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Place:
    """What was asked, and by which method: of the instance at its public origin, or of another host.

    `led` is told of every origin to which a link was rewritten.
    """

    origin: Origin
    target: str
    method: str = "GET"
    of_instance: bool = True
    led: Callable[[Origin], None] = field(default=_nobody, compare=False)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def url(self) -> str:
        return f"{self.origin}{self.target}"

    def seen_from(self, client: Origin) -> str:
        """The URL by which the client asked."""
        if self.of_instance:
            return f"{client}{self.target}"
        return f"{client}{PREFIX}{self.origin.scheme}/{self.origin.authority}{self.target}"


class HostLinks:
    """For a client that reaches us by `client`; links to `instance` are none of those to other hosts."""

    def __init__(self, instance: Origin, client: Origin) -> None:
        self._instance = instance
        self._client = client

    def text(self, data: bytes, media_type: str, place: Place) -> bytes:
        """`data` itself if there is nothing to change."""
        out: list[bytes] = []
        done = 0
        for link in file_links(data, media_type, place.path, of_instance=place.of_instance):
            if (new := self._changed(link, place)) is not None:
                out += (data[done : link.start], new)
                done = link.stop
        return b"".join((*out, data[done:])) if out else data

    def headers(self, headers: Headers, status: int, place: Place) -> Headers:
        if not redirects_to_file(status, place.method, place.path, of_instance=place.of_instance):
            return headers
        return headers.mapped(lambda name, value: self.reference(value, place) if name == "location" else value)

    def reference(self, reference: str, place: Place) -> str:
        """How the client is to be told what the answer of `place` calls `reference`; that itself if it may stay."""
        origin, meant, taken = Origin.of_url(reference), reference, reference
        if origin is None:
            try:
                meant = urljoin(place.url, reference)
                taken = urljoin(place.seen_from(self._client), reference)
            except ValueError:  # no URL
                return reference
            origin = Origin.of_url(meant)
        if origin is None or self._is_instance(origin):
            return reference
        right = under(self._client, meant)
        if right is None or right == taken:
            return reference
        place.led(origin)
        return right

    def _is_instance(self, origin: Origin) -> bool:
        """Both schemes of its host count, as everywhere where its links are rewritten."""
        explicit = self._instance.explicit_port
        same_port = origin.explicit_port is None if explicit is None else origin.port == explicit
        return origin.host == self._instance.host and same_port

    def _changed(self, link: FileLink, place: Place) -> bytes | None:
        new = self.reference(link.reference, place)
        return None if new == link.reference else link.spell(new).encode("utf-8", "surrogatepass")


def sandboxed(headers: Headers) -> Headers:
    """Those of another host's answer, for a client that takes them for ours."""
    return headers.without(*_OF_ORIGIN).added(*_SANDBOX)
