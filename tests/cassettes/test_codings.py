"""Content codings there and back, cut and damaged, and bombs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.codings import Decoded, TooBigError, codings_of, decode, encode
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
