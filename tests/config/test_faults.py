"""Faults and latency as users write them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.config.faults import LONGEST_DELAY, NAMED, Fault, FaultError, Kind, Latency, fault, latency
from peertape.config.patterns import METHODS, pattern

NAMES = st.sampled_from([*NAMED, *map(str, range(200, 600))])
TIMES = st.none() | st.integers(1, 10**9 - 1)
PROBABILITIES = st.floats(0, 1, exclude_min=True)
PATHS = st.text(st.characters(blacklist_categories=("Z", "C")), max_size=20).map(lambda text: f"/{text}")
PATTERNS = st.none() | st.builds(
    lambda method, path: pattern(f"{method} {path}" if method else path),
    st.none() | st.sampled_from(sorted(METHODS)),
    PATHS,
)
FAULTS = st.builds(Fault, NAMES, TIMES, PROBABILITIES, PATTERNS)
SECONDS = st.floats(0, LONGEST_DELAY)
LATENCIES = (
    st.sampled_from([Latency(Kind.NONE), Latency(Kind.RECORDED)])
    | st.builds(Latency, st.just(Kind.FIXED), SECONDS)
    | st.builds(Latency, st.just(Kind.LOGNORMAL), SECONDS, st.floats(0, 10))
)


@pytest.mark.parametrize(
    ("text", "name", "times", "probability", "where"),
    [
        ("503*2@GET /api/v1/videos", "503", 2, 1.0, "GET /api/v1/videos"),
        ("429", "429", None, 1.0, None),
        ("expired-token*1", "expired-token", 1, 1.0, None),
        (" reset=0.05 ", "reset", None, 0.05, None),
        ("stall*3=0.5@/static/**", "stall", 3, 0.5, "/static/**"),
        ("cut-body@/a@b=c*2", "cut-body", None, 1.0, "/a@b=c*2"),
    ],
)
def test_faults(text: str, name: str, times: int | None, probability: float, where: str | None) -> None:
    found = fault(text)
    assert (found.name, found.times, found.probability) == (name, times, probability)
    assert (found.where.text if found.where else None) == where
    assert str(found) == text.strip()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "write a status such as 503"),
        ("slow", "403/video_requires_password, or one of expired-token, reset, cut-body, stall"),
        ("100", "lies from 200 to 599"),
        ("600", "lies from 200 to 599"),
        ("403/", "an error's name"),
        ("403/a/b", "an error's name"),
        ("403/a b", "an error's name"),
        ("600/a", "lies from 200 to 599"),
        ("/a", "write a status"),
        ("٥٠٣", "write a status"),
        ("503*0", "how often"),
        ("503*", "how often"),
        ("503*two", "how often"),
        ("503=0", "how likely"),
        ("503=1.5", "how likely"),
        ("503=nan", "how likely"),
        ("503=0.5*2", "how likely"),
        ("503@api", "the path must begin with '/'"),
        ("503@FETCH /api", "no HTTP method"),
    ],
)
def test_what_is_no_fault_is_told_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(FaultError, match="is no fault") as caught:
        fault(text)
    assert sentence in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none", Latency()),
        ("recorded", Latency(Kind.RECORDED)),
        ("200ms", Latency(Kind.FIXED, 0.2)),
        ("1.5s", Latency(Kind.FIXED, 1.5)),
        ("0ms", Latency(Kind.FIXED, 0.0)),
        ("lognormal(120ms,0.6)", Latency(Kind.LOGNORMAL, 0.12, 0.6)),
        ("lognormal( 1s , 2 )", Latency(Kind.LOGNORMAL, 1.0, 2.0)),
    ],
)
def test_latencies(text: str, expected: Latency) -> None:
    assert latency(text) == expected


@pytest.mark.parametrize("text", ["", "fast", "200", "-1s", "2h", "lognormal(1s)", "lognormal(1,2)", "9e9s", "1e999s"])
def test_what_is_no_latency_is_told_in_a_sentence(text: str) -> None:
    with pytest.raises(FaultError, match=r"is no latency: .*\.$"):
        latency(text)


@given(FAULTS)
def test_a_fault_says_how_it_is_written(known: Fault) -> None:
    assert fault(str(known)) == known


@given(LATENCIES)
def test_a_latency_says_how_it_is_written(known: Latency) -> None:
    assert latency(str(known)) == known


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(FaultError):
        assert fault(str(fault(text))) == fault(text)
    with contextlib.suppress(FaultError):
        assert latency(str(latency(text))) == latency(text)
