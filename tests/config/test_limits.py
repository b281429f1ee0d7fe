"""The facts about limits, and limits of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.config import limits, rules
from peertape.config.durations import milliseconds, spelled
from peertape.config.limits import LimitsError
from peertape.config.settings import load

BUCKETS = {
    "api": (10, 50),
    "login": (300, 15),
    "signup": (300, 2),
    "ask_send_email": (300, 3),
    "receive_client_log": (60, 30),
    "plugins": (10, 500),
    "well_known": (10, 200),
    "feeds": (10, 50),
    "activity_pub": (10, 500),
    "client": (10, 500),
    "download_generate_video": (5, 5),
}


@pytest.mark.parametrize("version", rules.versions())
def test_every_version_has_limits(version: str) -> None:
    assert limits.load(version).buckets


def test_the_buckets_of_63() -> None:
    known = limits.load("6.3").buckets
    assert {name: (bucket.window / 1000, bucket.max) for name, bucket in known.items()} == BUCKETS
    assert [name for name, bucket in known.items() if bucket.skip_failed] == ["signup", "download_generate_video"]


@pytest.mark.parametrize(
    ("method", "path", "buckets"),
    [
        ("GET", "/api/v1/videos", ("api",)),
        ("HEAD", "/api/v1/videos", ("api",)),
        ("DELETE", "/api/v1/videos", ("api",)),
        ("GET", "/API/V1/Videos/x", ("api",)),
        ("GET", "/api/v1/videos/nothing/of/the/kind", ("api",)),
        ("OPTIONS", "/api/v1/videos", ()),
        ("GET", "/api/v1/ping", ()),
        ("GET", "/api/v1/xyz", ()),
        ("GET", "/api/v1", ()),
        ("POST", "/api/v1/users/token", ("api", "login")),
        ("GET", "/api/v1/users/token", ("api",)),
        ("POST", "/api/v1/users/register", ("api", "signup")),
        ("POST", "/api/v1/users/registrations/request", ("api", "signup")),
        ("POST", "/api/v1/users/ask-send-verify-email", ("api", "ask_send_email")),
        ("POST", "/api/v1/users/registrations/ask-send-verify-email", ("api", "ask_send_email")),
        ("POST", "/api/v1/users/ask-reset-password", ("api",)),
        ("POST", "/api/v1/server/logs/client", ("api", "receive_client_log")),
        ("GET", "/api/v1/server/logs", ("api",)),
        ("POST", "/api/v1/runners/jobs/u/error", ()),
        ("POST", "/api/v1/runners/jobs/u/success", ("api",)),
        ("GET", "/api/v1/runners/jobs", ()),
        ("GET", "/api/v1/runners", ("api",)),
        ("GET", "/robots.txt", ("api",)),
        ("POST", "/robots.txt", ("client",)),
        ("GET", "/sitemap.xml", ("api",)),
        ("GET", "/nodeinfo/2.0.json", ("api",)),
        ("GET", "/security.txt", ("api",)),
        ("GET", "/services/oembed", ("api",)),
        ("GET", "/services/redirect/accounts/alice", ("api",)),
        ("OPTIONS", "/services/redirect/accounts/alice", ("api",)),
        ("OPTIONS", "/services/oembed", ()),
        ("GET", "/services/nothing", ("client",)),
        ("GET", "/teapot", ("api",)),
        ("GET", "/.well-known/nodeinfo", ("well_known",)),
        ("GET", "/feeds/videos.json", ("feeds",)),
        ("GET", "/feeds/podcast/videos.xml", ("feeds",)),
        ("GET", "/feeds/nothing", ("feeds", "client")),
        ("GET", "/plugins/global.css", ("plugins",)),
        ("GET", "/themes/t/1.0.0/css/a/b.css", ("plugins",)),
        ("GET", "/plugins/nothing", ("client",)),
        ("POST", "/inbox", ("activity_pub",)),
        ("GET", "/accounts/alice/outbox", ("activity_pub",)),
        ("GET", "/accounts/alice", ("client",)),
        ("GET", "/", ("client",)),
        ("GET", "/about/instance", ("client",)),
        ("GET", "/api/v2/videos", ("client",)),
        ("GET", "/client/assets/x.js", ()),
        ("GET", "/static/web-videos/x.mp4", ()),
        ("GET", "/static/unknown", ("client",)),
        ("GET", "/lazy-static/previews/x.jpg", ()),
        ("GET", "/download/videos/generate/u", ("download_generate_video",)),
        ("GET", "/download/web-videos/u-720.mp4", ()),
        ("GET", "/download/nothing", ("client",)),
        ("GET", "/tracker/announce", ()),
        ("GET", "/socket.io", ()),
    ],
)
def test_what_counts_where(method: str, path: str, buckets: tuple[str, ...]) -> None:
    assert limits.load("6.3").counted(method, path) == buckets
    assert limits.off("6.3").counted(method, path) == ()


def test_activity_pub_has_a_bucket_of_its_own() -> None:
    known = limits.load("6.3")
    assert known.counted("GET", "/accounts/alice", activity_pub=True) == ("activity_pub",)
    assert known.counted("GET", "/w/abc", activity_pub=True) == ("activity_pub",)
    assert known.counted("POST", "/accounts/alice", activity_pub=True) == ("client",)
    assert known.counted("GET", "/about/instance", activity_pub=True) == ("client",)


def test_names() -> None:
    assert limits.chosen("peertube") == limits.load()
    assert limits.chosen("off").are_off
    ten = limits.chosen("peertube*10")
    assert (ten.name, ten.buckets["api"].max, ten.buckets["api"].window) == ("peertube*10", 500, 10_000)
    assert limits.chosen("peertube*0.1").buckets["signup"].max == 1


@pytest.mark.parametrize(
    "text",
    [
        "api: {window: 2 seconds, max: 3}",
        "rates_limit: {api: {window: 2000, max: 3}}\nwebserver: {port: 443}",
        "scale: 10\napi: {window: 2 second, max: 3}",
    ],
)
def test_a_file_of_an_administrator(text: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    mine = limits.chosen(str(file))
    assert (mine.name, mine.buckets["api"].window, mine.buckets["api"].max) == ("mine.yaml", 2000, 3)
    assert mine.buckets["signup"].skip_failed
    assert mine.buckets["login"].max == (150 if "scale" in text else 15)


def test_one_member_of_a_bucket() -> None:
    mine = limits.custom({"api": {"max": 3}}, "mine")
    assert (mine.buckets["api"].window, mine.buckets["api"].max) == (10_000, 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api: {max: " + "1" * 5000 + "}",
        "api: {window: 2001-13-45}",
        "[1]",
        "- a: [",
        "rates_limit: 5",
        "nothing: {max: 1}",
        "api: 5",
        "api: {max: -1}",
        "api: {max: '5'}",
        "api: {max: true}",
        "api: {window: soon}",
        "api: {window: 0}",
        "api: {window: .inf}",
        "api: {window: 10 fortnights}",
        "api: {per: 1}",
        "scale: 0",
        "scale: .nan",
        "scale: much",
    ],
)
def test_sentences_for_files_that_are_wrong(text: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(LimitsError, match=r"^limits: .*mine\.yaml"):
        limits.chosen(str(file))


@pytest.mark.parametrize(
    "text", ["nothing.yaml", "peertube*none", "peertube*0", "peertube*inf", "peertube*nan", "on", "."]
)
def test_sentences_for_names_that_are_wrong(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LimitsError, match=r"\.$"):
        limits.chosen(text)


def test_yaml_takes_off_for_a_truth_value() -> None:
    assert load({"limits": False}).limits == "off"


@given(st.integers(1, 1000), st.sampled_from(["second", "minute", "hour", "day", "week"]), st.booleans())
def test_durations(count: int, unit: str, plural: bool) -> None:
    text = f"{count} {unit}{'s' if plural else ''}"
    assert milliseconds(spelled(milliseconds(text))) == milliseconds(text)
    assert milliseconds(text) % 1000 == 0


@pytest.mark.parametrize(
    ("value", "length"),
    [(500, 500), ("500", 500), ("500 ms", 500), ("10seconds", 10_000), ("1.5 seconds", 1500), ("5 Minutes", 300_000)],
)
def test_spellings_of_durations(value: object, length: int) -> None:
    assert milliseconds(value) == length


def test_durations_as_people_say_them() -> None:
    assert [spelled(length) for length in (1500, 1000, 10_000, 60_000, 300_000)] == [
        "1500 ms",
        "1 second",
        "10 seconds",
        "1 minute",
        "5 minutes",
    ]
