"""One spelling for all paths that name the same."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.paths import fold, named_resource, short_uuid, spellings, uuid_of

KNOWN = "9c9de5e8-0a1e-484a-b099-e80766180a6d"


@given(st.uuids())
def test_a_short_uuid_leads_back(uuid: UUID) -> None:
    short = short_uuid(str(uuid))
    assert len(short) == 22
    assert uuid_of(short) == str(uuid)


def test_a_short_uuid_of_peertube() -> None:
    assert short_uuid(KNOWN) == "kkGMgK9ZtnKfYAgnEtQxbv"
    assert uuid_of("kkGMgK9ZtnKfYAgnEtQxbv") == KNOWN


@pytest.mark.parametrize(
    "text", ["", "abc", "1", "0" * 22, "z" * 22, "Z" * 22, "Z" * 23, KNOWN, "kkGMgK9ZtnKfYAgnEtQxb_"]
)
def test_what_is_no_short_uuid(text: str) -> None:
    assert uuid_of(text) is None


@given(
    st.lists(
        st.sampled_from(
            ["", "API", "v1", "Videos", "w", "p", "42", KNOWN.upper(), "%61pi", "%2F", "%25", "kkGMgK9ZtnKfYAgnEtQxbv"]
        )
        | st.text(max_size=8),
        max_size=6,
    ).map("/".join)
)
def test_folding_does_not_change_what_is_folded(path: str) -> None:
    folded = fold("/" + path)
    if "%" not in folded and "//" not in folded:  # an escaped slash or percent sign becomes one that means something
        assert fold(folded) == folded


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/videos/" + KNOWN,
        "/api/v1/videos/" + KNOWN.upper(),
        "//API//V1/Videos/" + KNOWN + "/",
        "/api/v1/videos/kkGMgK9ZtnKfYAgnEtQxbv",
        "/%61pi/v1/videos/kkGMgK9ZtnKfYAgnEtQxbv/",
    ],
)
def test_odd_spellings(path: str) -> None:
    assert fold(path) == "/api/v1/videos/" + KNOWN


def test_names_keep_their_case() -> None:
    assert fold("/API/v1/Accounts/Alice") == "/api/v1/accounts/Alice"


def test_what_a_path_names() -> None:
    video = named_resource(f"/api/v1/videos/{KNOWN}/comment-threads")
    assert video is not None
    assert (video.kind, video.name, video.path("7")) == ("video", KNOWN, "/api/v1/videos/7/comment-threads")
    playlist = named_resource("/w/p/7")
    assert playlist is not None
    assert (playlist.kind, playlist.name) == ("playlist", "7")
    assert named_resource("/api/v1/videos/categories") is None
    assert named_resource("/api/v1/accounts/7") is None


def test_spellings_by_number_and_by_uuid() -> None:
    def numbers(kind: str, uuid: str) -> list[str]:
        return ["7"] if (kind, uuid) == ("video", KNOWN) else []

    def uuid(kind: str, number: str) -> str | None:
        return KNOWN if (kind, number) == ("video", "7") else None

    by_number, by_uuid = "/api/v1/videos/7/rate", f"/api/v1/videos/{KNOWN}/rate"
    assert list(spellings(by_number, numbers, uuid)) == [by_number, by_uuid]
    assert list(spellings(by_uuid, numbers, uuid)) == [by_uuid, by_number]
    assert list(spellings("/w/8", numbers, uuid)) == ["/w/8"]
    assert list(spellings("/api/v1/config", numbers, uuid)) == ["/api/v1/config"]
