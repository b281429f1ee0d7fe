"""Accept-Encoding: the cases of RFC 9110 section 12.5.3, and what holds for all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.headers import Headers
from peertape.proxy.engine.acceptance import REFUSED, Acceptance

NAMES = ("gzip", "br", "zstd", "deflate", "identity", "*", "unheard-of")


def said(*lines: str) -> Acceptance:
    return Acceptance.of(Headers(tuple(("Accept-Encoding", line) for line in lines)))


@pytest.mark.parametrize(
    ("lines", "taken", "refused"),
    [
        ((), ["identity"], ["gzip", "br"]),  # web servers send nothing coded then
        (("",), ["identity"], ["gzip", "br"]),
        (("gzip, br",), ["gzip", "br", "identity"], ["zstd"]),
        (("gzip", "br"), ["gzip", "br", "identity"], ["zstd"]),
        (("GZIP ; Q=0.5 ,, br;q=1.000",), ["gzip", "br", "identity"], ["zstd"]),
        (("x-gzip",), ["gzip", "x-gzip", "identity"], ["br"]),
        (("*",), ["gzip", "br", "zstd", "unheard-of", "identity"], []),
        (("*;q=0",), [], ["gzip", "identity"]),
        (("gzip, *;q=0",), ["gzip"], ["br", "identity"]),
        (("identity;q=0",), [], ["identity", "gzip"]),
        (("identity;q=0, *",), ["gzip", "br"], ["identity"]),
        (("*;q=0, identity;q=0.1",), ["identity"], ["gzip"]),
        (("gzip;q=0, *",), ["br", "identity"], ["gzip"]),
        (("gzip;q=0.0",), ["identity"], ["gzip"]),
        (("gzip;q=much",), ["identity"], ["gzip"]),
        (("gzip;level=9;q=0",), ["identity"], ["gzip"]),
        (("gzip;q=0, gzip",), ["identity"], ["gzip"]),
        (("compress",), ["compress", "identity"], ["gzip"]),
    ],
)
def test_what_is_taken(lines: tuple[str, ...], taken: list[str], refused: list[str]) -> None:
    def quality(name: str) -> float:
        return said(*lines).quality(() if name == "identity" else (name,))

    assert [name for name in taken if quality(name) == REFUSED] == []
    assert [name for name in refused if quality(name) > REFUSED] == []


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ("gzip;q=0.3, br;q=0.9, identity;q=0.5", ["br", "identity", "gzip"]),
        ("gzip;q=0.001", ["gzip", "identity"]),  # what is named is wanted more than what is not refused
        ("identity, gzip;q=0.5", ["identity", "gzip"]),
        ("*;q=0.2, br", ["br", "zstd"]),
    ],
)
def test_what_is_taken_more_gladly(line: str, order: list[str]) -> None:
    rated = [said(line).quality(() if name == "identity" else (name,)) for name in order]
    assert rated == sorted(set(rated), reverse=True)


def test_a_body_of_two_codings_is_taken_by_whoever_takes_both() -> None:
    assert said("gzip, br;q=0.4").quality(("br", "gzip")) == 0.4
    assert said("gzip").quality(("br", "gzip")) == REFUSED


def test_the_best() -> None:
    assert said("gzip;q=0.5, br").best(["gzip", "br"]) == "br"
    assert said("gzip, br").best(["gzip", "br"]) == "gzip"
    assert said("unheard-of").best(["gzip", "br"]) is None
    assert said("*").best([]) is None


@st.composite
def members(draw: st.DrawFn) -> list[str]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=5))
    return [name + draw(st.sampled_from(["", ";q=0", "; q=0.5", ";q=1", " ;Q=0.001"])) for name in names]


@given(members(), st.randoms(use_true_random=False))
def test_order_lines_case_and_blanks_do_not_matter(listed: list[str], random: object) -> None:
    shuffled = [member.upper() for member in listed]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    at = len(shuffled) // 2
    assert said(" , ".join(shuffled[:at]), "\t,".join(shuffled[at:])) == said(",".join(listed))


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60), max_size=3))
def test_anything_can_be_said(lines: list[str]) -> None:
    for codings in ((), ("gzip",), ("br", "gzip")):
        assert 0 <= said(*lines).quality(codings) <= 1
