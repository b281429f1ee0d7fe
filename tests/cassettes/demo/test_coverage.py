"""How much of PeerTube's API the demo holds, and that it answers all of it to a client that was never recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from peertape.cassettes.candidates import Candidate

NEVER_ASKED = {"GET /api/v1/accounts/{name}/followers"}
# The API description has them, PeerTube 6.3 itself does not: it answers 400.
UNKNOWN_TO_THE_SERVER = {
    "POST /api/v1/video-channel-syncs/{channelSyncId}/sync",
    "GET /api/v1/runners/jobs/{jobUUID}/cancel",
}
# The API description forgets the video's UUID in the path; so spelled, the server has nothing there.
DESCRIBED_WRONGLY = {
    "/static/streaming-playlists/hls/segments.m3u8": 404,
    "/static/streaming-playlists/hls/private/segments.m3u8": 403,
}


def test_operations_of_the_api_description(api_recordings: Mapping[Any, Sequence[Candidate]]) -> None:
    assert len(api_recordings) == 241
    assert {str(route) for route, found in api_recordings.items() if not found} == NEVER_ASKED
    went_well = {str(route) for route, found in api_recordings.items() if _went_well(found)}
    assert {str(route) for route in api_recordings} - went_well == NEVER_ASKED | UNKNOWN_TO_THE_SERVER
    assert len(went_well) == 238


def test_paths_that_are_described_wrongly(api_recordings: Mapping[Any, Sequence[Candidate]]) -> None:
    statuses = {c.path: c.status for found in api_recordings.values() for c in found if c.path in DESCRIBED_WRONGLY}
    assert statuses == DESCRIBED_WRONGLY


def test_routes_of_mockoons_mock(mockoon_recordings: Mapping[Any, Sequence[Candidate]]) -> None:
    assert len(mockoon_recordings) == 141
    for route, found in mockoon_recordings.items():
        assert _went_well(found), route


def test_a_new_client_gets_every_operation(api_case: Any, ask_case: Callable[[Any], None]) -> None:
    ask_case(api_case)


def test_a_new_client_gets_every_route_of_mockoons_mock(mockoon_case: Any, ask_case: Callable[[Any], None]) -> None:
    ask_case(mockoon_case)


def _went_well(candidates: Sequence[Candidate]) -> bool:
    return any(candidate.status in range(200, 400) for candidate in candidates)
