"""Chromium against replays of the demo: an app's page on another origin plays, seeks, switches and asks. No network."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from support import clients
from support.browser import Watched, chromium
from support.certificates import server_context
from support.pages import served
from support.process import Peertape
from support.wire import Instance

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FILM = "23febe54-7704-4ef9-8bbc-0d205abb6ec2"  # two renditions in HLS, captions
BARS = "77d4282c-9844-425b-8a73-6e7a4976b5b1"
LOCKED = "b3d4d911-f46f-49a7-b07d-b9f053dbab46"
PRIVATE = "ed9624c5-1ef1-44d1-bbba-30f78a455c9a"  # bob's
LIVE = "2bb842a4-4307-40e4-b633-ca1552853f83"  # bob's, while it was streaming
PASSWORD = {"x-peertube-video-password": "opensesame"}
RECORDED = {"recorded", "derived"}
TOKEN = "the-control-token"
SESSIONS = itertools.count(1)


@dataclass(frozen=True)
class World:
    """A browser, the pages of an app over http and https, and a replay that the browser trusts."""

    browser: Browser
    http: str
    https: str
    replay: Peertape


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    clients.npm("hls.js")
    folder = tmp_path_factory.mktemp("world")
    tls = server_context(folder, "127.0.0.1")
    replay = Peertape(folder, "replay", "--listen", "127.0.0.1:0", environment={"PEERTAPE_TOKEN": TOKEN})
    trusted = (folder / ".mitmproxy" / "mitmproxy-ca-cert.pem", folder / "instance.pem")
    try:
        with served() as http, served(tls) as https, chromium(*trusted) as browser:
            yield World(browser, http, https, replay)
    finally:
        replay.kill()


@dataclass(frozen=True)
class App:
    """The replay as an app has it: a session named by the host, since elements cannot set headers."""

    replay: Peertape
    session: str
    scheme: str = "http"

    @property
    def authority(self) -> str:
        return f"{self.session}.localhost:{self.replay.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}"

    def told(self, name: str) -> list[dict[str, Any]]:
        """The entries of the session's `journal`, or of what was `unmatched`."""
        body = self.replay.ask(f"GET /__peertape__/{name}\nPeertape-Session: {self.session}")[1]
        return list(json.loads(body)["entries"])

    def breaks(self, fault: str) -> None:
        url = f"POST /__peertape__/faults\nPeertape-Session: {self.session}\nAuthorization: Bearer {TOKEN}"
        head, body = self.replay.ask(f"{url}\nContent-Type: application/json", json.dumps({"faults": [fault]}).encode())
        assert head.status == 200, body


@pytest.fixture
def app(world: World) -> App:
    return App(world.replay, f"t{next(SESSIONS)}")


@pytest.fixture
def page(world: World) -> Iterator[Watched]:
    watched = opened(world, world.http)
    yield watched
    watched.page.context.close()


def opened(world: World, origin: str) -> Watched:
    watched = Watched(world.browser.new_context().new_page())
    watched.page.goto(f"{origin}/pages/player.html")
    return watched


def details(page: Watched, app: App, video: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Of a video, as the page reads them."""
    answer = page.run(
        "([url, headers]) => player.ask(url, {headers})", f"{app.url}/api/v1/videos/{video}", headers or {}
    )
    assert answer["status"] == 200, answer
    return json.loads(answer["text"])


def master(told: dict[str, Any]) -> str:
    return str(told["streamingPlaylists"][0]["playlistUrl"])


def hls(page: Watched, address: str, then: str, **settings: Any) -> Any:
    return page.run(f"async ([url, settings]) => player.{then}(await player.hls(url, settings))", address, settings)


def plain(page: Watched, address: str, then: str) -> Any:
    return page.run(f"async ([url]) => player.{then}(await player.plain(url))", address)


def has_played(told: dict[str, Any]) -> None:
    """Pictures and sound, to the end."""
    assert told["ended"]
    assert told["currentTime"] == pytest.approx(told["duration"], abs=0.2)
    assert any(0 < time < told["duration"] for time in told["seen"])
    assert told["frames"] > 0
    assert told["sound"] > 0
    assert told["problems"] == []


def all_was_well(page: Watched, *apps: App) -> None:
    """Nothing failed, nobody but the app's instance was asked, and the recording answered all of it."""
    assert page.failed == []
    assert page.said == []
    own = page.page.url.split("/")[2]
    assert page.authorities == {own} | {app.authority for app in apps}
    for app in apps:
        answers = page.answered_by(app.authority)
        assert {answer.status for answer in answers} <= {200, 206}
        assert {answer.headers["peertape-source"].partition(";")[0] for answer in answers} <= RECORDED
        assert app.told("unmatched") == []
        assert len(app.told("journal")) >= len(answers)


def test_hls(page: Watched, app: App) -> None:
    told = hls(page, master(details(page, app, FILM)), "toTheEnd")
    has_played(told)
    assert told["seen"] == sorted(told["seen"])
    all_was_well(page, app)


def test_hls_seeks(page: Watched, app: App) -> None:
    has_played(hls(page, master(details(page, app, FILM)), "throughSeeks", maxBufferLength=4))
    all_was_well(page, app)


def test_hls_in_all_renditions(page: Watched, app: App) -> None:
    """From the least one: hls.js 1.7.4 breaks when it first measures with a fragment and comes back to it later, since
    the fragment then comes from the browser's cache, before its initialization segment.
    """
    assert hls(page, master(details(page, app, FILM)), "renditions", level=0) == [240, 360]
    all_was_well(page, app)


def test_hls_without_a_segment_breaks(page: Watched, app: App) -> None:
    """The tests above would notice."""
    from playwright.sync_api import Error

    app.breaks("404@GET /static/streaming-playlists/hls/*/*-fragmented.mp4")
    once = {"maxTimeToFirstByteMs": 60000, "maxLoadTimeMs": 60000, "timeoutRetry": None, "errorRetry": None}
    with pytest.raises(Error, match=r"hls\.js: fragLoadError 404"):
        hls(page, master(details(page, app, FILM)), "toTheEnd", fragLoadPolicy={"default": once})
    assert any("404" in line for line in page.said)


def test_hls_from_an_https_page(world: World, app: App) -> None:
    page = opened(world, world.https)
    has_played(hls(page, master(details(page, replace(app, scheme="https"), FILM)), "toTheEnd"))
    all_was_well(page, app)
    assert {response.url.partition(":")[0] for response in page.responses} == {"blob", "https"}
    page.page.context.close()


def test_a_live(page: Watched, app: App) -> None:
    told = hls(page, f"{app.url}/static/streaming-playlists/hls/{LIVE}/master.m3u8", "follow")
    assert told["seen"] == sorted(told["seen"])
    assert not told["ended"]
    assert told["frames"] > 0
    assert told["sound"] > 0
    assert told["problems"] == []
    all_was_well(page, app)


@pytest.mark.parametrize("headers", [PASSWORD, {}], ids=["by its password", "by the file's token"])
def test_a_video_behind_a_password(page: Watched, app: App, headers: dict[str, str]) -> None:
    address = master(details(page, app, LOCKED, PASSWORD))
    if not headers:
        address += with_token(page, app, LOCKED, PASSWORD)
    has_played(hls(page, address, "toTheEnd", headers=headers, level=0))
    all_was_well(page, app)


@pytest.mark.parametrize("by_header", [True, False], ids=["by the user's token", "by the file's token"])
def test_a_private_video(page: Watched, app: App, by_header: bool) -> None:
    bearer = {"Authorization": f"Bearer {login(page, app, 'bob')}"}
    address = master(details(page, app, PRIVATE, bearer))
    if not by_header:
        address += with_token(page, app, PRIVATE, bearer)
    # Of the first rendition the file was recorded by header, of the second by token.
    level = 0 if by_header else 1
    has_played(hls(page, address, "toTheEnd", headers=bearer if by_header else {}, level=level))
    all_was_well(page, app)


def with_token(page: Watched, app: App, video: str, headers: dict[str, str]) -> str:
    """The query by which PeerTube's player gets at files without a header, and playlists that pass the token on."""
    url = f"{app.url}/api/v1/videos/{video}/token"
    answer = page.run("([url, headers]) => player.ask(url, {method: 'POST', headers})", url, headers)
    token = json.loads(answer["text"])["files"]["token"]
    return f"?videoFileToken={token}&reinjectVideoFileToken=true"


def login(page: Watched, app: App, user: str) -> str:
    """As an app of one page does it."""
    answer = page.run(
        """async ([origin, username]) => {
            const local = JSON.parse((await player.ask(`${origin}/api/v1/oauth-clients/local`)).text);
            const form = {...local, grant_type: 'password', response_type: 'code', username, password: 'test1234'};
            return player.ask(`${origin}/api/v1/users/token`, {method: 'POST', body: new URLSearchParams(form)});
        }""",
        app.url,
        user,
    )
    assert answer["status"] == 200, answer
    return str(json.loads(answer["text"])["access_token"])


@pytest.mark.parametrize("then", ["toTheEnd", "throughSeeks"])
def test_a_web_video(page: Watched, app: App, then: str) -> None:
    address = details(page, app, BARS)["files"][0]["fileUrl"]
    has_played(plain(page, address, then))
    all_was_well(page, app)


def test_several_videos_at_once_in_sessions_of_their_own(page: Watched, world: World) -> None:
    apps = [App(world.replay, f"t{next(SESSIONS)}") for _ in range(3)]
    addresses = [details(page, app, BARS)["files"][0]["fileUrl"] for app in apps]
    together = "given => Promise.all(given.map(async url => player.throughSeeks(await player.plain(url))))"
    for told in page.run(together, *addresses):
        has_played(told)
    all_was_well(page, *apps)


def test_captions_and_pictures(page: Watched, app: App) -> None:
    told = details(page, app, FILM)
    ask = "([url]) => player.ask(url)"
    captions = json.loads(page.run(ask, f"{app.url}/api/v1/videos/{FILM}/captions")["text"])["data"]
    boards = json.loads(page.run(ask, f"{app.url}/api/v1/videos/{FILM}/storyboards")["text"])["storyboards"]
    assert page.run("([url]) => player.captions(url)", app.url + captions[0]["captionPath"])
    for path in (told["thumbnailPath"], told["previewPath"], boards[0]["storyboardPath"]):
        width, height = page.run("([url]) => player.image(url)", app.url + path)
        assert min(width, height) > 0
    all_was_well(page, app)


@pytest.mark.parametrize("options", [{}, {"headers": {"Authorization": "Bearer none"}}], ids=["simple", "preflight"])
def test_an_error_can_be_read(page: Watched, app: App, options: dict[str, Any]) -> None:
    ask = "([url, options]) => player.ask(url, options)"
    missing = page.run(ask, f"{app.url}/api/v1/videos/4b0dbc68-93b4-4b1c-8ef4-d4aa1a9a4a44", options)
    assert missing["status"] == (401 if options else 404)
    assert json.loads(missing["text"])["status"] == missing["status"]
    nowhere = page.run(ask, f"{app.url}/static/web-videos/none.mp4", options)
    assert nowhere["status"] in (403, 404)


def test_a_limit_can_be_read(page: Watched, app: App) -> None:
    answers = page.run(
        "([url]) => Promise.all(Array.from({length: 60}, () => player.ask(url)))", f"{app.url}/api/v1/config"
    )
    refused = [answer for answer in answers if answer["status"] == 429]
    assert len(refused) == 10
    assert all(int(answer["headers"]["retry-after"]) > 0 for answer in refused)  # exposed by name


@pytest.mark.parametrize("fault", ["503", "429", "403/video_requires_password"])
def test_a_fault_can_be_read(page: Watched, app: App, fault: str) -> None:
    app.breaks(f"{fault}@GET /api/v1/videos/*")
    answer = page.run("([url]) => player.ask(url)", f"{app.url}/api/v1/videos/{FILM}")
    assert answer["status"] == int(fault[:3])


def test_a_miss_can_be_read(page: Watched, app: App) -> None:
    answer = page.run("([url]) => player.ask(url)", f"{app.url}/api/v1/overviews/videos?page=9")
    assert answer["status"] == 501
    assert json.loads(answer["text"])["type"] == "urn:peertape:miss"


def test_the_page_for_people(page: Watched, app: App) -> None:
    missed = f"{app.url}/api/v1/overviews/videos?page=9"
    page.run("([url]) => Promise.all([1, 2, 3].map(() => player.ask(url)))", missed)
    page.run("([url]) => player.ask(url)", f"{app.url}/api/v1/config")
    shown = page.page.context.new_page()
    shown.goto(f"{app.url}/__peertape__/")
    shown.wait_for_selector("#journal tr")
    assert shown.locator("#journal tr").count() == 4
    assert shown.locator("#unmatched td:first-child").all_inner_texts() == [
        "GET /api/v1/overviews/videos?page=9 (3 times)"
    ]
    assert dict(row.split("\t") for row in shown.locator("#sources tr").all_inner_texts()) == {
        "recorded": "1",
        "miss": "3",
    }


def test_credentials_are_refused_as_with_peertube(page: Watched, app: App) -> None:
    """Its origin is `*`, which browsers don't accept for requests with cookies."""
    ask = "([url, credentials]) => player.ask(url, {credentials})"
    assert page.run(ask, f"{app.url}/api/v1/config", "omit")["status"] == 200
    assert page.run(ask, f"{app.url}/api/v1/config", "include") is None


def test_there_is_no_network(page: Watched) -> None:
    """Of the browser: what the tests above assert would fail otherwise."""
    other = Instance("127.0.0.2")
    try:
        for url in (other.url, "http://peertube.example", "http://192.0.2.1"):
            assert page.run("([url]) => player.ask(url, {mode: 'no-cors'})", url) is None
        assert other.untouched()
    finally:
        other.close()
