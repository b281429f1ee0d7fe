"""yt-dlp against the demo, through the forward proxy and directly, over TLS both times, with its full checks."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from support import ytdlp
from support.process import Peertape
from support.ytdlp import Truth, digest

from peertape.cassettes import demo
from peertape.cassettes.store import Cassette

BARS = "77d4282c-9844-425b-8a73-6e7a4976b5b1"  # web videos, HLS, captions
# The demo has these lists in another order, and without that filter: whoever says that it is all the same gets them.
IGNORED = """
match:
  ignore:
    - {route: GET /api/v1/video-channels/*/videos, query: sort}
    - {route: GET /api/v1/video-channels/*/videos, query: nsfw}
    - {route: GET /api/v1/video-playlists/*/videos, query: sort}
    - {route: GET /api/v1/video-playlists/*/videos, query: nsfw}
"""
INSTANCE = "framatube.org"  # yt-dlp takes URLs of channels and playlists of instances that it knows


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peertape]:
    folder = tmp_path_factory.mktemp("ytdlp")
    (folder / "peertape.yaml").write_text(IGNORED)
    process = ytdlp.started(folder, "demo", "--alias", INSTANCE)
    yield process
    if process.running:
        process.kill()


@pytest.fixture(scope="module")
def truth() -> Iterator[Truth]:
    cassette = Cassette(demo.path())
    yield Truth(cassette)
    cassette.close()


@pytest.mark.parametrize("way", ["proxy", "direct"])
def test_what_it_tells_of_a_video(replay: Peertape, truth: Truth, way: str) -> None:
    ytdlp.check_information(truth, ytdlp.ways(replay)[way], BARS)


@pytest.mark.parametrize("way", ["proxy", "direct"])
def test_what_it_downloads(replay: Peertape, truth: Truth, way: str) -> None:
    ytdlp.check_files(truth, ytdlp.ways(replay)[way], BARS)


def test_a_file_by_its_recorded_address(replay: Peertape, truth: Truth) -> None:
    """What was recorded at http://127.0.0.1:9100 answers through the proxy under that name, by https as well."""
    path = truth.answer(f"/api/v1/videos/{BARS}")["files"][0]["fileUrl"].removeprefix(ytdlp.RECORDED)
    got = ytdlp.ways(replay)["proxy"].download(f"https://127.0.0.1:9100{path}", "direct.mp4")
    assert digest(got) == digest(truth.file(path))


@pytest.mark.parametrize(
    ("url", "path", "videos"),
    [
        ("c/alice_channel/videos", "/api/v1/video-channels/alice_channel", 4),
        ("w/p/ab0e4937-cce6-4970-a77e-b8d71f5927fe", "/api/v1/video-playlists/ab0e4937-cce6-4970-a77e-b8d71f5927fe", 5),
    ],
)
def test_a_list_of_videos(replay: Peertape, truth: Truth, url: str, path: str, videos: int) -> None:
    known = truth.answer(path)
    told = ytdlp.ways(replay)["proxy"].run("--flat-playlist", "--dump-single-json", f"https://{INSTANCE}/{url}")
    found = json.loads(told)
    assert (found["title"], found["channel_id"]) == (known["displayName"], str(known["ownerAccount"]["id"]))
    assert len(found["entries"]) == videos


def test_the_certificate_is_checked(replay: Peertape) -> None:
    """Without trust there is nothing: what stands above is no accident of a lax client."""
    direct = ytdlp.ways(replay)["direct"]
    with pytest.raises(AssertionError, match="CERTIFICATE_VERIFY_FAILED"):
        direct.run("--compat-options", "-no-certifi", "--dump-json", f"peertube:{direct.host}:{BARS}")
