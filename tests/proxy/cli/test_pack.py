"""`peertape pack`, with an instance that the test plays."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.film import HLS, MASTER, MPEGURL, UUID, VARIANT, details
from support.process import PROGRAM, wait_for
from support.tube import Tube
from support.wire import Head, Wire, answer

from peertape.cassettes.bodies import read
from peertape.cassettes.store import Cassette

JSON = "application/json; charset=utf-8"
FILM = bytes(range(60))
PIECE = 32 * 1024 * 1024


@pytest.fixture
def tube() -> Iterator[Tube]:
    made = Tube()
    plays(made)
    yield made
    made.die()


def plays(tube: Tube, files: Tube | None = None, film: bytes = FILM) -> None:
    """The film; its files lie at `files`."""
    told = json.dumps(details(tube.url, files.url if files else None, len(film)))
    tube.says(f"GET /api/v1/videos/{UUID}", told, content_type=JSON)
    tube.says("GET /api/v1/config", '{"serverVersion":"6.3.0"}', content_type=JSON)
    at = files or tube
    at.says(f"GET {HLS}/master.m3u8", MASTER, content_type=MPEGURL)
    at.says(f"GET {HLS}/360.m3u8", VARIANT, content_type=MPEGURL)
    at.routes[f"GET {HLS}/360.mp4"] = ranged(film)


def ranged(film: bytes) -> Callable[[Wire, Head], None]:
    def play(wire: Wire, head: Head) -> None:
        wire.body(head)
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", head.get("range") or "")
        if found is None:
            wire.send(answer(film, content_type="video/mp4", accept_ranges="bytes", etag='"1"'))
            return
        first, last = int(found[1]), min(int(found[2]), len(film) - 1)
        placed = f"bytes {first}-{last}/{len(film)}"
        wire.send(answer(film[first : last + 1], "206 Partial Content", content_range=placed, etag='"1"'))

    return play


def command(tube: Tube, *more: str | Path) -> list[str]:
    return [str(PROGRAM), "pack", "--upstream", tube.url, *map(str, more)]


def pack(
    folder: Path, tube: Tube, *more: str | Path, environment: dict[str, str] | None = None, prepare: Any = None
) -> tuple[int, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PEERTAPE_")}
    done = subprocess.run(
        command(tube, *(more or (UUID,))),
        cwd=folder,
        env=kept | (environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=prepare,
    )
    assert not done.stdout
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr


def lint(folder: Path) -> int:
    words = [PROGRAM, "cassette", "lint", "peertape.cassette", "--playable", "--renditions", "all"]
    return subprocess.run(words, cwd=folder, capture_output=True, check=False).returncode


def test_a_video_is_packed_once_and_lint_is_content(tmp_path: Path, tube: Tube) -> None:
    code, said = pack(tmp_path, tube)
    assert code == 0, said
    assert "1 of 1 videos playable offline" in said
    assert "\x1b" not in said
    assert lint(tmp_path) == 0
    before = len(tube.heads(f"{HLS}/360.mp4"))
    assert before == 1
    assert pack(tmp_path, tube)[0] == 0
    assert len(tube.heads(f"{HLS}/360.mp4")) == before


def test_names_that_mean_the_same_are_packed_once(tmp_path: Path, tube: Tube) -> None:
    code, said = pack(tmp_path, tube, f"{tube.url}/w/{UUID}", f"{tube.url}/videos/watch/{UUID}", UUID)
    assert code == 0, said
    assert len(tube.heads(f"{HLS}/360.mp4")) == 1


def test_a_big_file_goes_on_where_it_was_killed(tmp_path: Path, tube: Tube) -> None:
    film = bytes(PIECE) + b"the rest"
    plays(tube, film=film)
    last = b"#EXTINF:4,\n#EXT-X-BYTERANGE:%d@60\n360.mp4\n#EXT-X-ENDLIST" % (len(film) - 60)
    tube.says(f"GET {HLS}/360.m3u8", VARIANT.replace(b"#EXT-X-ENDLIST", last), content_type=MPEGURL)
    whole = ranged(film)

    def stalls(wire: Wire, head: Head) -> None:
        if (head.get("range") or "").startswith("bytes=0-"):
            whole(wire, head)
        else:
            wire.send(b"HTTP/1.1 206 Partial Content\r\nContent-Length: 8\r\n\r\nthe")
            wire.rest()

    tube.routes[f"GET {HLS}/360.mp4"] = stalls
    process = subprocess.Popen(command(tube, UUID), cwd=tmp_path, stderr=subprocess.DEVNULL)
    wait_for(lambda: len(tube.heads(f"{HLS}/360.mp4")) == 2)
    wait_for(lambda: _octets(tmp_path) >= PIECE)
    process.kill()
    process.wait()
    tube.routes[f"GET {HLS}/360.mp4"] = whole
    tube.asked.clear()
    code, said = pack(tmp_path, tube)
    assert code == 0, said
    assert [head.get("range") for head in tube.heads(f"{HLS}/360.mp4")] == [f"bytes={PIECE}-{PIECE + 7}"]
    assert lint(tmp_path) == 0


def _octets(folder: Path) -> int:
    cassette = Cassette(folder / "peertape.cassette")
    try:
        found = [one for one in cassette.candidates() if one.status == 206 and one.replayable]
        return sum(response.body.size for one in found if (response := cassette._load(one.id).response))
    finally:
        cassette.close()


def test_ctrl_c_says_how_to_go_on(tmp_path: Path, tube: Tube) -> None:
    tube.routes[f"GET {HLS}/360.mp4"] = lambda wire, head: (wire.body(head), wire.rest())[0]
    process = subprocess.Popen(command(tube, UUID), cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: tube.heads(f"{HLS}/360.mp4"))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on" in said
    assert "Traceback" not in said
    tube.routes[f"GET {HLS}/360.mp4"] = ranged(FILM)
    assert pack(tmp_path, tube)[0] == 0


def test_a_used_up_limit_is_waited_for(tmp_path: Path, tube: Tube) -> None:
    limited = 0

    def config(wire: Wire, head: Head) -> None:
        wire.body(head)
        asked = len(tube.heads("/api/v1/config"))
        nonlocal limited
        if asked == 1:
            limited += 1
            wire.send(answer("Too many", "429 Too Many Requests", retry_after="1"))
        else:
            wire.send(answer("{}", content_type=JSON))

    tube.routes["GET /api/v1/config"] = config
    code, said = pack(tmp_path, tube)
    assert code == 0, said
    assert limited == 1
    cassette = Cassette(tmp_path / "peertape.cassette")
    assert 429 not in {one.status for one in cassette.candidates()}
    cassette.close()


def test_what_fails_in_passing_is_asked_again_and_leaves_no_trace(tmp_path: Path, tube: Tube) -> None:
    def fails_once(wire: Wire, head: Head) -> None:
        if len(tube.heads(f"{HLS}/360.mp4")) == 1:
            wire.body(head)
            wire.send(answer("oops", "502 Bad Gateway"))
        else:
            ranged(FILM)(wire, head)

    tube.routes[f"GET {HLS}/360.mp4"] = fails_once
    assert pack(tmp_path, tube)[0] == 0
    cassette = Cassette(tmp_path / "peertape.cassette")
    (stored,) = [cassette.exchange(one.id) for one in cassette.candidates() if one.target.endswith("360.mp4")]
    assert stored.response is not None
    assert read(stored.response.body) == FILM
    cassette.close()


def test_what_cannot_be_had_is_named(tmp_path: Path, tube: Tube) -> None:
    del tube.routes[f"GET {HLS}/360.mp4"]
    code, said = pack(tmp_path, tube)
    assert code == 1
    assert "NOT PLAYABLE: not complete: HLS 360p" in said
    assert lint(tmp_path) == 1


def test_files_on_another_host_come_without_credentials(tmp_path: Path, tube: Tube) -> None:
    files = Tube()
    plays(tube, files)
    tube.says(
        "GET /api/v1/oauth-clients/local",
        '{"client_id":"our-app","client_secret":"hushhush"}',
        content_type=JSON,
    )
    tube.says("POST /api/v1/users/token", '{"access_token":"tok3n-of-alice"}', content_type=JSON)
    tube.says("GET /api/v1/users/me", '{"username":"alice"}', content_type=JSON)
    code, said = pack(tmp_path, tube, "--username", "alice", UUID, environment={"PEERTAPE_PASSWORD": "open-sesame"})
    files.die()
    assert code == 0, said
    assert tube.heads(f"/api/v1/videos/{UUID}")[0].get("authorization") == "Bearer tok3n-of-alice"
    assert files.heads(f"{HLS}/360.mp4")
    assert all(head.get("authorization") is None and head.get("host") == files.authority for head in files.asked)
    octets = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"tok3n-of-alice" not in octets
    assert b"open-sesame" not in octets
    assert "tok3n" not in said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["no such name"], "is no name of a video, playlist, channel or account"),
        (["https://other.example/w/1"], "is not on http://127.0.0.1:"),
        (["--renditions", "huge", UUID], "'huge' is no rendition"),
        (["nobody"], "There is no video, playlist, channel or account nobody on"),
        (["--cassette", "no/folder/a.cassette", UUID], "there is no folder no/folder"),
    ],
)
def test_wrong_usage_is_a_sentence(tmp_path: Path, tube: Tube, words: list[str], sentence: str) -> None:
    code, said = pack(tmp_path, tube, *words)
    assert code == 2
    assert sentence in said


def test_an_instance_that_is_away(tmp_path: Path, tube: Tube) -> None:
    tube.die()
    code, said = pack(tmp_path, tube)
    assert code == 2
    assert "is away: connection refused" in said


def test_a_full_disk_is_said(tmp_path: Path, tube: Tube) -> None:
    plays(tube, film=os.urandom(4 * 1024 * 1024))
    limit = 2 * 1024 * 1024
    code, said = pack(tmp_path, tube, prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert code == 2
    assert "is reached" in said or "no room left" in said


def test_two_at_once_on_one_cassette(tmp_path: Path, tube: Tube) -> None:
    tube.routes[f"GET {HLS}/360.mp4"] = lambda wire, head: (wire.body(head), wire.rest())[0]
    first = subprocess.Popen(command(tube, UUID), cwd=tmp_path, stderr=subprocess.DEVNULL)
    wait_for(lambda: tube.heads(f"{HLS}/360.mp4"))
    tube.routes[f"GET {HLS}/360.mp4"] = ranged(FILM)
    code, said = pack(tmp_path, tube)
    first.kill()
    first.wait()
    assert code == 0 or "is being recorded into by another process" in said
