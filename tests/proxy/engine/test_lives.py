"""A live's files slide with the session's clock, however often, and by however many, they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.cassettes.model import Timing
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.choice import Repeat
from peertape.proxy.engine.clock import Clock
from peertape.proxy.engine.lives import RecordedLives
from peertape.proxy.engine.session import Session

Play = Callable[..., Any]

FOLDER = "/static/streaming-playlists/hls/2bb842a4-4307-40e4-b633-ca1552853f83"
VIDEO, AUDIO, HASHES = f"{FOLDER}/1.m3u8", f"{FOLDER}/0.m3u8", f"{FOLDER}/segments-sha256.json"
RECORDED = (("X-Player", "recorded"),)
ANOTHER = (("X-Player", "another"),)
STEP = 2.0  # seconds between two windows of the tape
WINDOWS = 10


class Real:
    now = 50_000.0

    def __call__(self) -> float:
        return self.now


class Viewer:
    """Asks for a live's files in a session whose clock the test moves."""

    def __init__(self, player: Any) -> None:
        self.player, self.real = player, Real()
        self.session().clock = Clock(self.real)

    def session(self) -> Session:
        found: Session = self.player.session()
        return found

    def sees(self, path: str = VIDEO, headers: tuple[tuple[str, str], ...] = ANOTHER) -> int | None:
        """The number of the window; None where there is nothing."""
        answer = self.player.get(path, headers=headers)
        return None if answer.status == 404 else window(answer)

    def after(self, seconds: float, **more: Any) -> int | None:
        self.real.now += seconds
        return self.sees(**more)


def window(answer: Any) -> int:
    assert answer.status == 200
    return int(read(answer.body).decode().partition("SEQUENCE:")[2].split()[0])


def playlist(number: int, more: str = "") -> bytes:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{number}\n#EXTINF:2,\n{number}.ts\n{more}".encode()


TAKES_RANGES = (("Accept-Ranges", "bytes"),)


def record(tape: Any, at: float, path: str, answer: bytes, status: int = 200, **more: Any) -> None:
    tape.add("GET", path, answer, status, **{"headers": RECORDED, "response_headers": TAKES_RANGES, **more})
    last = tape.exchanges[-1]
    tape.exchanges[-1] = replace(last, timing=Timing(at, at, at + 0.01, at + 0.02))


@pytest.fixture
def live(tape: Any) -> Any:
    """Not there, then ten windows in twenty seconds, video before audio, and gone."""
    record(tape, 990.0, VIDEO, b"{}", 404)
    for number in range(WINDOWS):
        record(tape, 1000.0 + number * STEP, VIDEO, playlist(number))
        record(tape, 1000.1 + number * STEP, AUDIO, playlist(number))
    record(tape, 1030.0, VIDEO, b"{}", 404)
    return tape


@pytest.fixture
def viewer(live: Any, play: Play) -> Viewer:
    return Viewer(play(live))


def test_a_fast_player_sees_no_more_than_there_is(viewer: Viewer) -> None:
    assert viewer.sees() is None
    viewer.real.now += 10
    assert [viewer.after(0.5) for _ in range(12)] == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3]


def test_a_slow_player_misses_windows(viewer: Viewer) -> None:
    viewer.sees()
    assert [viewer.after(10), viewer.after(7), viewer.after(7)] == [0, 3, 7]


def test_it_ends(viewer: Viewer) -> None:
    viewer.sees()
    assert viewer.after(39) == WINDOWS - 1
    assert viewer.after(2) is None
    assert viewer.after(1000) is None


def test_several_players_and_files_share_one_time(viewer: Viewer) -> None:
    viewer.sees()
    assert viewer.after(15.05) == 2
    assert [viewer.sees(AUDIO), viewer.sees(), viewer.sees(AUDIO), viewer.sees(headers=RECORDED)] == [2, 2, 2, 2]


def test_the_clock_is_advanced_and_stopped(viewer: Viewer) -> None:
    viewer.sees()
    clock = viewer.session().clock
    clock.advance(20)
    assert viewer.sees() == 5
    clock.freeze(stop=True)
    assert viewer.after(8) == 5
    clock.advance(2)
    assert viewer.sees() == 6
    clock.freeze(stop=False)
    assert viewer.after(2) == 7


def test_a_repetition_gets_the_recording_in_order_at_any_speed(viewer: Viewer) -> None:
    assert viewer.sees(headers=RECORDED) is None
    for number in range(WINDOWS):
        assert [viewer.sees(path, RECORDED) for path in (VIDEO, AUDIO)] == [number, number]
    assert viewer.sees(headers=RECORDED) is None


def test_others_see_how_far_a_repetition_has_come_and_never_go_back(viewer: Viewer) -> None:
    viewer.sees(headers=RECORDED)
    for _ in range(3):
        viewer.sees(VIDEO, RECORDED)
        viewer.sees(AUDIO, RECORDED)
    assert [viewer.sees(), viewer.sees(AUDIO), viewer.after(STEP), viewer.after(STEP)] == [2, 2, 3, 4]


def test_a_repetition_that_is_late_sees_what_there_is(viewer: Viewer) -> None:
    viewer.sees(headers=RECORDED)
    assert viewer.after(10, headers=RECORDED) == 0
    assert viewer.after(9, headers=RECORDED) == 4


def test_a_repetition_that_is_slow_stays_behind_by_no_more_than_a_window(viewer: Viewer) -> None:
    viewer.sees(headers=RECORDED)
    viewer.after(10, headers=RECORDED)
    for turn in range(1, 7):
        there = int(turn * 1.5 // STEP)
        seen = viewer.after(1.5, path=AUDIO if turn % 2 else VIDEO, headers=RECORDED)
        assert seen is not None
        assert there - 1 <= seen <= there


def test_the_recorded_player_does_not_run_ahead_when_it_asks_for_one_file_again_and_again(viewer: Viewer) -> None:
    viewer.sees(headers=RECORDED)
    assert [viewer.sees(headers=RECORDED) for _ in range(5)] == [0] * 5


def test_a_look_moves_nothing(viewer: Viewer) -> None:
    ask = viewer.player.ask
    assert ask("HEAD", VIDEO, headers=ANOTHER).status == 404
    viewer.real.now += 15
    assert viewer.sees() is None, "the first GET is the beginning"
    viewer.real.now += 14.5
    assert ask("HEAD", VIDEO, headers=ANOTHER).status == 200
    part = ask("GET", VIDEO, headers=(*ANOTHER, ("Range", "bytes=0-6")))
    assert (part.status, read(part.body)) == (206, b"#EXTM3U")
    assert viewer.sees() == 2


def test_a_live_that_was_recorded_with_conditions(tape: Any, play: Play) -> None:
    """As a browser does, which knows the playlist of before."""
    for number in range(5):
        known = (("If-None-Match", f'"{number - 1}"'),) if number else ()
        tagged = {"headers": (*RECORDED, *known), "response_headers": (("ETag", f'"{number}"'),)}
        record(tape, 1000.0 + number * STEP, VIDEO, playlist(number), **tagged)
        record(tape, 1001.0 + number * STEP, VIDEO, b"", 304, headers=(*RECORDED, ("If-None-Match", f'"{number}"')))
    viewer = Viewer(play(tape))
    assert [viewer.sees(), viewer.after(5)] == [0, 2]
    assert viewer.player.get(VIDEO, headers=(*ANOTHER, ("If-None-Match", '"2"'))).status == 304
    assert viewer.after(STEP, headers=(*ANOTHER, ("If-None-Match", '"2"'))) == 3


def test_what_was_played_of_later_times_does_not_end_it(live: Any, play: Play) -> None:
    live.add("GET", "/api/v1/config", {})
    viewer = Viewer(play(live))
    viewer.player.get("/api/v1/config")
    assert viewer.sees() is None
    assert viewer.after(12) == 1


def test_a_write_moves_it_on(tape: Any, play: Play) -> None:
    record(tape, 1000.0, VIDEO, playlist(0))
    tape.add("POST", "/api/v1/something", "", 204)
    record(tape, 1100.0, VIDEO, playlist(50))
    record(tape, 1102.0, VIDEO, playlist(51))
    viewer = Viewer(play(tape))
    assert [viewer.sees(), viewer.after(5)] == [0, 0]
    viewer.player.ask("POST", "/api/v1/something")
    assert [viewer.sees(), viewer.after(1.5), viewer.after(1)] == [50, 50, 51]


def test_sessions_and_reset_begin_anew(viewer: Viewer) -> None:
    viewer.sees()
    assert viewer.after(15) == 2
    assert viewer.player.get(VIDEO, session="other", headers=ANOTHER).status == 404
    viewer.session().reset()
    assert viewer.sees() is None
    assert viewer.after(11) == 0


def test_a_timeline_is_kept_to(viewer: Viewer) -> None:
    viewer.session().clock.set(1006.5)
    assert [viewer.sees(), viewer.after(10)] == [3, 3]


@pytest.mark.parametrize(("repeat", "expected"), [(Repeat.FIRST, 0), (Repeat.LAST, WINDOWS - 1)])
def test_repeat_is_stronger(live: Any, play: Play, repeat: Repeat, expected: int) -> None:
    viewer = Viewer(play(live, repeat=repeat))
    assert [viewer.sees(AUDIO), viewer.after(7, path=AUDIO)] == [expected] * 2


def test_a_recorded_video_is_no_live(tape: Any, play: Play) -> None:
    for number in range(3):
        record(tape, 1000.0 + number, VIDEO, playlist(number, "#EXT-X-ENDLIST\n"))
    viewer = Viewer(play(tape))
    assert [viewer.sees() for _ in range(4)] == [0, 1, 2, 2]


def test_of_several_cassettes_the_first_that_has_it_shows_it(live: Any, tmp_path: Path, play: Play) -> None:
    other = replace(live, path=tmp_path / "other.cassette", exchanges=[])
    record(other, 5.0, VIDEO, playlist(70))
    record(other, 8.0, VIDEO, playlist(71))
    viewer = Viewer(play(other, live))
    assert [viewer.sees(), viewer.sees(AUDIO), viewer.after(4), viewer.sees(AUDIO)] == [70, 0, 71, 2]


DEMO = Path(__file__).parents[3] / "cassettes" / "demo" / "demo.cassette"


def test_the_live_of_the_demo(play: Play) -> None:
    """Followed every second by a player other than the recorded one, it shows what was recorded by that time."""

    class Demo:
        @staticmethod
        def cassette() -> Cassette:
            return Cassette(DEMO)

    player = play(Demo())
    cassette = player.shelf.cassettes[0]
    viewer = Viewer(player)
    live = RecordedLives().of(cassette, VIDEO)
    assert live is not None
    windows = [found for found in live.recordings if found.path == VIDEO and found.status == 200]
    assert viewer.player.get(f"{FOLDER}/master.m3u8", headers=ANOTHER).status == 200
    begun = live.recordings[0].started_at
    seen = []
    for second in range(1, 65):
        viewer.real.now += 1
        answer = player.get(VIDEO, headers=ANOTHER)
        recorded = max((found for found in windows if found.started_at <= begun + second), key=lambda found: found.id)
        assert answer.exchange == recorded.id
        seen.append(window(answer))
    assert seen == sorted(seen)
    assert len(set(seen)) > 10
    viewer.session().clock.advance(400)
    assert player.get(VIDEO, headers=ANOTHER).status == 404
