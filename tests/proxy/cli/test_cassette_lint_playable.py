"""`peertape cassette lint --playable`, on a small film that is recorded in parts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from support.film import HLS, MASTER, UUID, VARIANT, details
from support.process import PROGRAM
from support.samples import made, record

from peertape.cassettes.model import Exchange


def film(*spans: tuple[int, int]) -> list[Exchange]:
    mpegurl, mp4 = {"Content-Type": "application/vnd.apple.mpegurl"}, "video/mp4"
    found = [
        made(1, "GET", f"/api/v1/videos/{UUID}", 200, details()),
        made(2, "GET", f"{HLS}/master.m3u8", 200, MASTER, mpegurl),
        made(3, "GET", f"{HLS}/360.m3u8", 200, VARIANT, mpegurl),
    ]
    for number, (first, last) in enumerate(spans, 4):
        found.append(
            made(
                number,
                "GET",
                f"{HLS}/360.mp4",
                206,
                bytes(last - first + 1),
                {"Content-Type": mp4, "Content-Range": f"bytes {first}-{last}/60", "ETag": '"1"'},
                request_headers={"Range": f"bytes={first}-{last}"},
            )
        )
    return found


def lint(path: Path, *more: str) -> tuple[int, str]:
    done = subprocess.run(
        [PROGRAM, "cassette", "lint", path, "--playable", *more], capture_output=True, text=True, check=False
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def told(path: Path, *more: str) -> dict[str, Any]:
    return dict(json.loads(lint(path, "--json", *more)[1])["videos"][0])


def test_a_film_whose_parts_are_all_there(tmp_path: Path) -> None:
    path = record(tmp_path / "a.cassette", film((0, 9), (10, 29), (30, 59)))
    code, text = lint(path)
    assert code == 0
    assert "playable: 1 of 1 recorded videos" in text
    assert told(path)["renditions"][0]["complete"] is True


def test_the_missing_segment_is_named(tmp_path: Path) -> None:
    path = record(tmp_path / "a.cassette", film((0, 9), (10, 29)))
    code, text = lint(path)
    assert code == 1
    assert "HLS 360p: missing segment 1 (octets 30-59, 0:04 to 0:08)" in text
    assert "\x1b" not in text
    (way,) = told(path)["renditions"]
    assert (way["missing_segments"], way["missing_seconds"]) == (1, 4.0)


def test_a_whole_file_holds_every_segment(tmp_path: Path) -> None:
    whole = made(9, "GET", f"{HLS}/360.mp4", 200, bytes(60), {"Content-Type": "video/mp4", "Accept-Ranges": "bytes"})
    assert lint(record(tmp_path / "a.cassette", [*film(), whole]))[0] == 0


def test_parts_of_a_former_file_do_not_count(tmp_path: Path) -> None:
    exchanges = film((0, 9), (10, 29))
    other = made(
        9,
        "GET",
        f"{HLS}/360.mp4",
        206,
        bytes(30),
        {"Content-Range": "bytes 30-59/60", "ETag": '"2"'},
        request_headers={"Range": "bytes=30-59"},
    )
    assert lint(record(tmp_path / "a.cassette", [*exchanges, other]))[0] == 1


def test_only_and_renditions(tmp_path: Path) -> None:
    path = record(tmp_path / "a.cassette", film((0, 59)))
    assert lint(path, "--only", "/api/v1/videos/8")[1].startswith("playable: 0 of 0")
    assert lint(path, "--only", "/api/v1/videos/7")[0] == 0
    assert lint(path, "--renditions", "360p")[0] == 0
    code, text = lint(path, "--renditions", "720p")
    assert code == 1
    assert "it has no rendition 720p, but HLS 360p" in text


def test_a_wrong_rendition_is_explained(tmp_path: Path) -> None:
    path = record(tmp_path / "a.cassette", film())
    done = subprocess.run(
        [PROGRAM, "cassette", "lint", path, "--playable", "--renditions", "huge"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "'huge' is no rendition; write any, all, best, worst, audio, hls, web, or 720p,480p." in done.stderr
