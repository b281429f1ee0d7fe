"""Content codings there and back, cut and damaged, and bombs."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.bodies import BytesBody, JoinedBody, read
from peertape.cassettes.codings import (
    Decoded,
    DecodedBody,
    TooBigError,
    codings_of,
    decode,
    decoded_body,
    encode,
    whole_text,
)
from peertape.cassettes.headers import Headers

KNOWN = ("gzip", "deflate", "raw-deflate", "br", "zstd")
PLENTY = 1 << 20


@given(st.binary(max_size=5000), st.lists(st.sampled_from(["gzip", "deflate", "br", "zstd"]), max_size=3))
def test_there_and_back(octets: bytes, codings: list[str]) -> None:
    assert decode(encode(octets, codings), codings, PLENTY) == Decoded(octets, tuple(codings), whole=True)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_what_is_cut_is_read_as_far_as_it_goes(coding: str) -> None:
    text = b"".join(b"%d," % number for number in range(20000))
    coded = encode(text, [coding])
    undone = decode(coded[: len(coded) // 2], [coding], PLENTY)
    assert undone is not None
    assert not undone.whole
    assert text.startswith(undone.octets)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "unheard-of"])
def test_what_is_something_else(coding: str) -> None:
    undone = decode(b"\xff\xfe not coded at all", [coding], PLENTY)
    assert undone is None or not undone.whole


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_stops_at_the_limit(coding: str) -> None:
    bomb = encode(bytes(10_000_000), [coding])
    with pytest.raises(TooBigError):
        decode(bomb, [coding], 100_000)


def test_deflate_without_its_frame_is_encoded_so_again() -> None:
    undone = decode(encode(b"text", ["raw-deflate"]), ["deflate"], PLENTY)
    assert undone == Decoded(b"text", ("raw-deflate",), whole=True)


@pytest.mark.parametrize(("values", "codings"), [((), ()), (("GZIP, identity", "br"), ("gzip", "br")), (("",), ())])
def test_codings_of(values: tuple[str, ...], codings: tuple[str, ...]) -> None:
    assert codings_of(Headers(tuple(("Content-Encoding", value) for value in values))) == codings


def test_all_that_is_known_can_be_encoded() -> None:
    assert len({encode(b"x" * 100, [coding]) for coding in KNOWN}) == len(KNOWN)


CODINGS = st.lists(st.sampled_from(["gzip", "deflate", "br", "zstd"]), min_size=1, max_size=2)


@given(st.binary(max_size=5000), CODINGS, st.integers(1, 700), st.integers(0, 5000), st.integers(0, 5000))
def test_a_body_is_decoded_as_it_is_read(octets: bytes, codings: list[str], piece: int, start: int, more: int) -> None:
    coded = encode(octets, codings)
    pieces = JoinedBody([BytesBody(coded[at : at + piece]) for at in range(0, len(coded), piece)])
    held, streamed = (decoded_body(pieces, codings, held, PLENTY) for held in (PLENTY, 0))
    assert isinstance(held, BytesBody)
    assert isinstance(streamed, DecodedBody) == bool(octets)
    for body in (held, streamed):
        assert body is not None
        assert body.size == len(octets)
        assert read(body) == octets
        assert b"".join(body.pieces(start, start + more)) == octets[start : start + more]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_no_body_is_made_of_what_is_damaged_or_too_much(coding: str) -> None:
    coded = encode(b"".join(b"%d," % number for number in range(20000)), [coding])
    for damaged in (coded[:-1], coded[: len(coded) // 2], b"\xff" + coded):
        assert decoded_body(BytesBody(damaged), [coding], PLENTY, PLENTY) is None
    assert decoded_body(BytesBody(coded), [coding], PLENTY, 50_000) is None
    assert decoded_body(BytesBody(coded), [coding, "unheard-of"], PLENTY, PLENTY) is None


def test_several_members_are_one_body() -> None:
    for coding in ("gzip", "zstd"):
        twice = encode(b"one ", [coding]) + encode(b"two", [coding])
        assert decode(twice, [coding], PLENTY) == Decoded(b"one two", (coding,), whole=True)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_film_is_decoded_with_little_memory(coding: str) -> None:
    film = BytesBody(encode(random.Random(7).randbytes(1_000_000) * 12, [coding]))
    body = decoded_body(film, [coding], 1000, 1 << 30)
    assert body is not None
    tracemalloc.start()
    try:
        assert sum(map(len, body.pieces())) == body.size == 12_000_000
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_text_is_told_whole_or_not_at_all() -> None:
    def text(octets: bytes, *codings: str, limit: int = PLENTY) -> bytes | None:
        headers = Headers(tuple(("Content-Encoding", coding) for coding in codings))
        return whole_text(headers, BytesBody(octets), limit)

    assert text(b"plain") == b"plain"
    assert text(encode(b"coded", ["br"]), "br") == b"coded"
    assert text(encode(b"coded", ["br"])[:-1], "br") is None
    assert text(b"?", "unheard-of") is None
    assert text(bytes(100), limit=99) is None
    assert text(encode(bytes(100), ["gzip"]), "gzip", limit=99) is None
