"""What a cassette tells of the settings around its instance's routers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import batched, islice

from peertape.cassettes.candidates import Candidate
from peertape.cassettes.headers import Headers
from peertape.cassettes.store import Cassette
from peertape.config.routers import Routers
from peertape.proxy.engine.twin.mounts import API, is_in_the_api

_SAMPLES = 20  # answers that are looked at
_TRIED = 200  # exchanges that are read to find them
_BEGINNING = 300  # exchanges from the first on, among which they are looked for
_ORIGIN = "access-control-allow-origin"


def fitted(routers: Routers, cassettes: Sequence[Cassette]) -> Routers:
    """With what the leftmost cassette shows that has answers of PeerTube's API."""
    answers = _sample(cassettes)
    if not answers:
        return routers
    present = {name.lower() for headers in answers for name, _ in headers}
    absent = {name for name, _ in routers.document.always if name.lower() not in present}
    return routers.fitted(development=any(map(_cors_comes_first, answers)), absent=absent)


def in_development(cassettes: Sequence[Cassette]) -> bool:
    """Whether the instance ran with PeerTube's settings for tests or development: they put CORS before all else."""
    return any(map(_cors_comes_first, _sample(cassettes)))


def _sample(cassettes: Sequence[Cassette]) -> list[Headers]:
    for cassette in cassettes:
        if answers := list(islice(_of_the_api(cassette), _SAMPLES)):
            return answers
    return []


def _of_the_api(cassette: Cassette) -> Iterator[Headers]:
    """The headers of answers that came through PeerTube's routers."""
    tried = islice(filter(_is_of_the_api, _first_of_all_and_of_the_api(cassette)), _TRIED)
    for some in batched(tried, _SAMPLES, strict=False):
        numbers = [candidate.id for candidate in some]
        cassette.look_at(numbers)
        for response in (cassette.exchange(number).response for number in numbers):
            if response is not None and "tk" in response.headers and _ORIGIN in response.headers:
                yield response.headers


def _first_of_all_and_of_the_api(cassette: Cassette) -> Iterator[Candidate]:
    """Few of very many."""
    yield from islice(cassette.candidates(), _BEGINNING)
    yield from cassette.newest(cassette.paths_from(f"{API}/", _TRIED), 1)


def _is_of_the_api(candidate: Candidate) -> bool:
    return is_in_the_api(candidate.path) and candidate.method != "OPTIONS"


def _cors_comes_first(headers: Headers) -> bool:
    names = [name.lower() for name, _ in headers]
    return names.index(_ORIGIN) < names.index("tk")
