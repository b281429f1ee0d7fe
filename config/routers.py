"""What PeerTube's routers put around every answer, read from `config/peertube/VERSION/routers.yaml`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from peertape.config.facts import DEFAULT_VERSION
from peertape.config.patterns import Pattern, pattern
from peertape.config.yamltext import plain

Pairs = tuple[tuple[str, str], ...]

_CREDENTIALS = "Access-Control-Allow-Credentials"
_FRAMES = "X-Frame-Options"


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Problems(_Fact):
    """The spelling of error documents. `docs` and `type` hold `{}` for the operation and the code."""

    docs: str
    type: str
    error: bool  # whether the member `error` repeats `detail`
    titles: dict[int, str]  # by status; a document without a code has its status' title


class Cors(_Fact):
    credentials: bool = False
    expose: str | None = None

    def headers(self) -> Pairs:
        credentials = ((_CREDENTIALS, "true"),) if self.credentials else ()
        exposed = (("Access-Control-Expose-Headers", self.expose),) if self.expose else ()
        return (("Access-Control-Allow-Origin", "*"), *credentials, *exposed)


class Router(_Fact):
    """One line of `routes`: the first whose pattern matches describes an answer."""

    route: str
    cors: str | None = None
    frames: bool = False  # the page may stand in a frame: no X-Frame-Options
    bare: bool = False  # answered before PeerTube's own application: none of the common headers
    options: Literal["cors", "get", "socket"] | list[str] = "cors"  # who answers OPTIONS: see `routers.yaml`


class Bodies(_Fact):
    """Which request bodies are parsed before the routers are asked, up to which size in octets."""

    json_types: tuple[str, ...] = Field(alias="json")
    json_limit: int
    json_charsets: dict[str, str]  # PeerTube's library's names, letters and digits only, to Python's
    form_types: tuple[str, ...] = Field(alias="forms")
    form_limit: int
    form_parameters: int
    codings: tuple[str, ...]
    request_head: int  # octets of target, header names and values from which Node refuses a request


class Pages(_Fact):
    """What the web client's pages answer."""

    elsewhere: tuple[str, ...]  # globs of what is not the page that all other paths have
    client_files: frozenset[str]  # at the top of /client, which has no others
    accepted: tuple[str, ...]  # media types, in the order in which PeerTube offers them; the first is the page
    languages: frozenset[str]


class _Document(_Fact):
    problems: Problems
    always: Pairs
    parsed: Pairs
    development: str
    preflight_methods: str
    cors: dict[str, Cors]
    routes: tuple[Router, ...]
    bodies: Bodies
    pages: Pages


@dataclass(frozen=True, slots=True)
class Routers:
    """`routers.yaml`; the comments there explain each member.

    `development`: the instance runs with PeerTube's settings for tests or development, which put CORS on everything.
    `absent`: common headers that the administrator has switched off.
    """

    document: _Document
    _patterns: Sequence[tuple[Pattern, Router]]
    development: bool = False
    absent: frozenset[str] = frozenset()

    @classmethod
    def of(cls, value: object) -> Routers:
        document = _Document.model_validate(value)
        for profile in (document.development, *(router.cors for router in document.routes)):
            if profile is not None and profile not in document.cors:
                raise ValueError(f"there is no CORS profile {profile!r}")
        return cls(document, tuple((pattern(router.route), router) for router in document.routes))

    def fitted(self, *, development: bool, absent: Iterable[str]) -> Routers:
        """For an instance with other settings than PeerTube's defaults."""
        return replace(self, development=development, absent=frozenset(name.lower() for name in absent))

    @property
    def problems(self) -> Problems:
        return self.document.problems

    @property
    def bodies(self) -> Bodies:
        return self.document.bodies

    def router(self, method: str, path: str) -> Router:
        """`path`: without query. A trailing slash does not matter."""
        spellings = (path, path[:-1]) if len(path) > 1 and path.endswith("/") else (path,)
        return next(
            router for known, router in self._patterns if any(known.matches(method, spelling) for spelling in spellings)
        )

    def before_parsing(self) -> Pairs:
        """The headers of an answer that is given before the body was understood."""
        return (*self._kept(self.document.always), *self._everywhere())

    def around(self, router: Router) -> Pairs:
        """The headers before those of the answer itself, in their order on the wire."""
        if router.bare:
            return ()
        first = tuple(pair for pair in self.before_parsing() if not (router.frames and pair[0] == _FRAMES))
        known = {name for name, _ in first}
        cors = self.document.cors[router.cors].headers() if router.cors is not None else ()
        return (*first, *self.document.parsed, *(pair for pair in cors if pair[0] not in known))

    def preflight(self, router: Router, requested: str | None) -> Pairs:
        """The headers of the CORS layer's own answer to OPTIONS; `requested`: Access-Control-Request-Headers."""
        profile = self.document.development if self.development else router.cors
        if profile is None:
            raise ValueError(f"{router.route} has no CORS")
        cors = self.document.cors[profile]
        origin, *rest = cors.headers()
        return (
            *self._kept(self.document.always),
            *(() if self.development else self.document.parsed),
            origin,
            *(pair for pair in rest if pair[0] == _CREDENTIALS),
            ("Access-Control-Allow-Methods", self.document.preflight_methods),
            ("Vary", "Access-Control-Request-Headers"),
            *((("Access-Control-Allow-Headers", requested),) if requested else ()),
            *(pair for pair in rest if pair[0] != _CREDENTIALS),
            ("Content-Length", "0"),
        )

    def _everywhere(self) -> Pairs:
        return self.document.cors[self.document.development].headers() if self.development else ()

    def _kept(self, pairs: Pairs) -> Pairs:
        return tuple(pair for pair in pairs if pair[0].lower() not in self.absent)


@cache
def load(version: str = DEFAULT_VERSION) -> Routers:
    folder = files("peertape.config.peertube") / version
    return Routers.of(plain((folder / "routers.yaml").read_text("utf-8")))
