"""yt-dlp against a replay, in a network that has no other host: what it makes of a video, beside what was recorded."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import isolation
from support.clients import module
from support.process import PROGRAM, Peertape

from peertape.cassettes.bodies import read
from peertape.cassettes.model import RecordedResponse
from peertape.cassettes.store import Cassette

RECORDED = "http://127.0.0.1:9100"  # where the demo and the recordings in shared/ were made
ALIAS = "tube.example"


@dataclass(frozen=True)
class Truth:
    """What a cassette holds."""

    cassette: Cassette

    def answer(self, path: str) -> Any:
        """The JSON that the path was answered with."""
        return json.loads(next(self._octets(path, 200)))

    def file(self, path: str) -> bytes:
        """The octets of a file, put together from all that was recorded of it."""
        for whole in self._octets(path, 200):
            return whole
        held: dict[int, bytes] = {}
        size = 0
        for response in self._responses(path, 206):
            span, _, total = (response.headers.get("content-range") or "").removeprefix("bytes ").partition("/")
            held[int(span.partition("-")[0])] = read(response.body)
            size = int(total)
        octets = bytearray(size)
        covered = set[int]()
        for start, part in held.items():
            octets[start : start + len(part)] = part
            covered.update(range(start, start + len(part)))
        assert len(covered) == size, f"{path} was not recorded whole"
        return bytes(octets)

    def _octets(self, path: str, status: int) -> Iterator[bytes]:
        return (read(response.body) for response in self._responses(path, status))

    def _responses(self, path: str, status: int) -> Iterator[RecordedResponse]:
        for candidate in self.cassette.candidates():
            if (candidate.method, candidate.path, candidate.status) == ("GET", path, status):
                response = self.cassette.exchange(candidate.id).response
                assert response is not None
                yield response


@dataclass(frozen=True)
class Downloader:
    """yt-dlp; `host` is what it calls the instance."""

    replay: Peertape
    host: str
    options: tuple[str, ...]

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [PROGRAM.with_name("yt-dlp"), *OPTIONS, *self.options, *arguments],
            cwd=self.replay.folder,
            env={**_without_proxies(), "SSL_CERT_FILE": str(self.certificate), "HOME": str(self.replay.folder)},
            preexec_fn=isolation.beside(self.replay.pid),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def certificate(self) -> Path:
        return self.replay.folder / ".mitmproxy" / "mitmproxy-ca-cert.pem"

    def information(self, video: str) -> dict[str, Any]:
        told = self.run("--dump-json", "--write-subs", "--sub-langs", "all", f"peertube:{self.host}:{video}")
        return dict(json.loads(told))

    def download(self, url: str, name: str, *arguments: str) -> bytes:
        self.run("--output", name, *arguments, url)
        path = self.replay.folder / name
        octets = path.read_bytes()
        path.unlink()
        return octets


# Trust by SSL_CERT_FILE, not by yt-dlp's own list; the octets as they came.
OPTIONS = ("--ignore-config", "--no-cache-dir", "--compat-options", "no-certifi", "--fixup", "never", "--retries", "0")


def started(folder: Path, cassette: str, *options: str) -> Peertape:
    """A replay at the port that https has when none is named: yt-dlp's `peertube:HOST:ID` knows no other."""
    module("yt_dlp")
    isolation.demand()
    return Peertape(
        folder,
        *("replay", cassette, "--alias", ALIAS, "--limits", "off"),
        *("--listen", "127.0.0.1:443", "--forward", "127.0.0.1:0", *options),
        prepare=isolation.alone,
    )


def ways(replay: Peertape) -> Mapping[str, Downloader]:
    host, port = replay.forward
    return {
        "proxy": Downloader(replay, ALIAS, ("--proxy", f"http://{host}:{port}")),
        "direct": Downloader(replay, "127.0.0.1", ()),
    }


def check_information(truth: Truth, downloader: Downloader, video: str) -> None:
    """Every fact that yt-dlp takes from the API, links but for the origin."""
    told, known = downloader.information(video), truth.answer(f"/api/v1/videos/{video}")
    captions = truth.answer(f"/api/v1/videos/{video}/captions")["data"]
    origin = f"https://{downloader.host}"

    def here(link: str) -> str:
        assert link.startswith(f"{RECORDED}/")
        return link.replace(RECORDED, origin)

    assert (told["title"], told["description"]) == (known["name"], known["description"])
    assert (told["duration"], told["tags"]) == (known["duration"], known["tags"])
    assert (told["view_count"], told["like_count"]) == (known["views"], known["likes"])
    assert (told["uploader"], told["uploader_id"]) == (known["account"]["displayName"], str(known["account"]["id"]))
    assert (told["channel"], told["channel_url"]) == (known["channel"]["displayName"], here(known["channel"]["url"]))
    assert (told["license"], told["categories"]) == (known["licence"]["label"], [known["category"]["label"]])
    assert told["thumbnail"] == origin + known["thumbnailPath"]
    playlists = known["streamingPlaylists"]
    files = [*known["files"], *(file for playlist in playlists for file in playlist["files"])]
    plain = {item["url"]: item["filesize"] for item in told["formats"] if item["protocol"] == "https"}
    assert plain == {here(file["fileUrl"]): file["size"] for file in files}
    hls = [item for item in told["formats"] if item["protocol"].startswith("m3u8")]
    assert {item["manifest_url"] for item in hls} == {here(playlist["playlistUrl"]) for playlist in playlists}
    assert sorted(item["height"] for item in hls) == sorted(
        file["resolution"]["id"] for playlist in playlists for file in playlist["files"]
    )
    assert {language: [one["url"] for one in several] for language, several in (told["subtitles"] or {}).items()} == {
        caption["language"]["id"]: [origin + caption["captionPath"]] for caption in captions
    }


def check_files(truth: Truth, downloader: Downloader, video: str) -> None:
    """A web video and a rendition of HLS, octet by octet."""
    url = f"peertube:{downloader.host}:{video}"
    known = truth.answer(f"/api/v1/videos/{video}")
    web = next(file for file in known["files"] if file["resolution"]["id"] == 360)
    got = downloader.download(url, "web.mp4", "--format", "b[url*=web-videos][height=360]")
    assert digest(got) == digest(truth.file(web["fileUrl"].removeprefix(RECORDED)))
    (playlist,) = known["streamingPlaylists"]
    for rendition in playlist["files"]:
        height = rendition["resolution"]["id"]
        got = downloader.download(url, "hls.mp4", "--format", f"b[protocol^=m3u8][height={height}]")
        assert digest(got) == digest(truth.file(rendition["fileUrl"].removeprefix(RECORDED)))


def digest(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def _without_proxies() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
