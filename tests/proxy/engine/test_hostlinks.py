"""Links to files on other hosts: which lead to the reserved path, and what is behind it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.bodies import BytesBody, read
from peertape.cassettes.etags import express_etag
from peertape.cassettes.headers import Headers
from peertape.cassettes.origin import Origin
from peertape.proxy.engine.hostlinks import Place, sandboxed
from peertape.proxy.engine.hostpaths import HostPath, parse, under
from peertape.proxy.engine.inlinks import body_inward, query_inward
from peertape.proxy.engine.links import Rewriter, rewrite_answer
from peertape.proxy.engine.model import Answer

TUBE, CLIENT = "https://tube.example", "http://127.0.0.1:8990"
HOST = f"{CLIENT}/__peertape__/host"
JSON, HLS = "application/json", "application/vnd.apple.mpegurl"
VIDEO = Place(Origin.parse(TUBE), "/api/v1/videos/1")
FILES = Origin.parse("https://files.example:8443")
ELSEWHERE = Place(FILES, "/hls/film/master.m3u8?x=1", of_instance=False)
REWRITER = Rewriter(TUBE, CLIENT)


def as_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("https://files.example:8443/a?b=c#d", f"{HOST}/https/files.example:8443/a?b=c#d"),
        ("HTTPS://FILES.example:443", f"{HOST}/https/files.example/"),
        ("http://[2001:DB8::1]:80/a", f"{HOST}/http/[2001:db8::1]/a"),
        (
            "wss://files.example/tracker/socket",
            "ws://127.0.0.1:8990/__peertape__/host/https/files.example/tracker/socket",
        ),
        ("ws://10.0.0.1:9000/x", "ws://127.0.0.1:8990/__peertape__/host/http/10.0.0.1:9000/x"),
        ("https://tube.example/static/1", f"{CLIENT}/static/1"),
        ("http://tube.example/static/1", f"{CLIENT}/static/1"),
        ("https://tube.example:8443/static/1", f"{HOST}/https/tube.example:8443/static/1"),
        ("https://s3.example/1?to=https%3A%2F%2Fs4.example", f"{HOST}/https/s3.example/1?to=https%3A%2F%2Fs4.example"),
    ],
)
def test_a_link_in_json(before: str, after: str) -> None:
    assert REWRITER.text(as_json({"fileUrl": before}), JSON, VIDEO) == as_json({"fileUrl": after})


@pytest.mark.parametrize(
    "link",
    [
        "https://user:pass@files.example/",
        "https://files.example./",
        "https://files.example\\@evil.example/",
        "https://%66iles.example/",
        "//files.example/1",
        "magnet:?ws=https%3A%2F%2Ffiles.example%2F1",
        "ftp://files.example/",
        "/static/1",
        "",
    ],
)
def test_what_is_no_link_to_a_file_stays(link: str) -> None:
    value = {"fileUrl": link, "playlistUrl": "https://[bad"}
    expected = f"{HOST}/https/files.example/1" if link == "//files.example/1" else link
    assert json.loads(REWRITER.text(as_json(value), JSON, VIDEO)) == value | {"fileUrl": expected}


def test_names_and_pages_stay() -> None:
    value = {
        "url": "https://other.example/videos/watch/1",
        "account": {"url": "https://other.example/accounts/a", "host": "other.example", "name": "a@other.example"},
        "magnetUri": "magnet:?xs=https%3A%2F%2Fother.example%2F1.torrent&tr=wss%3A%2F%2Fother.example%3A443%2Ft",
        "description": "see https://other.example/1.mp4",
    }
    assert REWRITER.text(as_json(value), JSON, VIDEO) == as_json(value)
    document = as_json({"fileUrl": "https://other.example/1"})
    assert REWRITER.text(document, "application/activity+json", VIDEO) == document


def test_nothing_changes_for_who_uses_the_recorded_host() -> None:
    text = as_json({"fileUrl": "https://files.example/1"})
    assert Rewriter(TUBE, TUBE).text(text, JSON, VIDEO) is text
    location = Headers((("Location", "https://files.example/1"),))
    assert Rewriter(TUBE, TUBE).headers(location, 302, Place(VIDEO.origin, "/static/1")) is location


@pytest.mark.parametrize("client", [CLIENT, TUBE, "http://t17.localhost:8990"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("360.m3u8", "360.m3u8"),
        ("../other/360.m3u8?a", "../other/360.m3u8?a"),
        ("?y", "?y"),
        ("/root.ts", "{}/__peertape__/host/https/files.example:8443/root.ts"),
        ("../../../../root.ts", "{}/__peertape__/host/https/files.example:8443/root.ts"),
        ("../../../../../../api/v1/users/me", "{}/__peertape__/host/https/files.example:8443/api/v1/users/me"),
        ("//cdn.example/1.ts", "{}/__peertape__/host/https/cdn.example/1.ts"),
        ("https://files.example:8443/1.ts", "{}/__peertape__/host/https/files.example:8443/1.ts"),
        ("data:text/plain,x", "data:text/plain,x"),
    ],
)
def test_a_playlist_of_another_host(client: str, before: str, after: str) -> None:
    text = f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{before}"\n#EXTINF:4\n{before}\n'
    expected = f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{after}"\n#EXTINF:4\n{after}\n'.format(client, client)
    assert Rewriter(TUBE, client).text(text.encode(), HLS, ELSEWHERE).decode() == expected


def test_links_of_another_host_to_the_instance() -> None:
    text = b"#EXTM3U\nhttps://tube.example/static/1.ts\n"
    assert REWRITER.text(text, HLS, ELSEWHERE) == b"#EXTM3U\nhttp://127.0.0.1:8990/static/1.ts\n"
    assert Rewriter(TUBE, TUBE).text(text, HLS, ELSEWHERE) == text


@pytest.mark.parametrize(
    ("target", "status", "location", "after"),
    [
        ("/download/videos/1.mp4", 302, "https://s3.example/1?sig=2%2F3", f"{HOST}/https/s3.example/1?sig=2%2F3"),
        ("/download/videos/1.mp4", 302, "https://tube.example/static/1", f"{CLIENT}/static/1"),
        ("/download/videos/1.mp4", 302, "/static/1", "/static/1"),
        ("/plugins/auth/router/login", 302, "https://sso.example/", "https://sso.example/"),
        ("/api/v1/videos/upload-resumable", 201, "//tube.example/x", "//127.0.0.1:8990/x"),
    ],
)
def test_redirects_of_the_instance(target: str, status: int, location: str, after: str) -> None:
    headers = REWRITER.headers(Headers((("Location", location),)), status, Place(VIDEO.origin, target))
    assert headers.get("location") == after


@pytest.mark.parametrize(
    ("location", "after"),
    [
        ("/elsewhere", f"{HOST}/https/files.example:8443/elsewhere"),
        ("near", "near"),
        ("http://cdn.example/", f"{HOST}/http/cdn.example/"),
        ("https://tube.example/w/1", f"{CLIENT}/w/1"),
    ],
)
def test_redirects_of_another_host(location: str, after: str) -> None:
    assert REWRITER.headers(Headers((("Location", location),)), 301, ELSEWHERE).get("location") == after


def test_an_answer_gets_its_length_and_etag_anew() -> None:
    text = as_json({"fileUrl": "https://files.example/1"})
    headers = Headers((("Content-Type", JSON), ("ETag", express_etag(text)), ("Content-Length", str(len(text)))))
    answer = rewrite_answer(Answer(200, headers, BytesBody(text)), TUBE, CLIENT, place=VIDEO)
    body = read(answer.body)
    assert json.loads(body) == {"fileUrl": f"{HOST}/https/files.example/1"}
    assert answer.headers.get("etag") == express_etag(body)
    assert answer.headers.get("content-length") == str(len(body))


def test_what_another_host_says_of_its_whole_origin_is_not_passed_on() -> None:
    headers = Headers(
        (("Content-Type", "text/html"), ("Set-Cookie", "a=b"), ("Strict-Transport-Security", "max-age=9"))
    )
    assert sandboxed(headers).pairs == (("Content-Type", "text/html"), ("Content-Security-Policy", "sandbox"))


@pytest.mark.parametrize(
    ("target", "origin", "inner"),
    [
        ("/__peertape__/host/https/files.example:8443/a/b?c=/d", "https://files.example:8443", "/a/b?c=/d"),
        ("/__peertape__/host/http/files.example", "http://files.example", "/"),
        ("/__peertape__/host/http/files.example?a", "http://files.example", "/?a"),
        ("/__peertape__/host/https/files.example/../../reset", "https://files.example", "/../../reset"),
        ("/__peertape__/host/https/files.example//x", "https://files.example", "//x"),
        ("/__peertape__/host/https/files.example:443/%2e%2E/", "https://files.example", "/%2e%2E/"),
    ],
)
def test_reserved_paths(target: str, origin: str, inner: str) -> None:
    assert parse(target) == HostPath(Origin.parse(origin), inner)


@pytest.mark.parametrize(
    "target",
    [
        "/__peertape__/host",
        "/__peertape__/host/",
        "/__peertape__/host/https",
        "/__peertape__/host/https/",
        "/__peertape__/host/https//x",
        "/__peertape__/host/https/../../reset",
        "/__peertape__/host/https/a@b/x",
        "/__peertape__/host/https/files.example%3A8443/x",
        "/__peertape__/host/HTTPS/files.example/x",
        "/__peertape__/host/ftp/files.example/x",
        "/__peertape__/host/https/files.example./x",
        "/__peertape__/host/https/files.example:99999/x",
        "/__peertape__/host/https?/files.example/x",
        "/x/__peertape__/host/https/files.example/x",
    ],
)
def test_reserved_paths_of_no_host(target: str) -> None:
    assert parse(target) is None


SEGMENTS = st.text("ab1%._~-", max_size=8)
PATHS = st.lists(SEGMENTS, max_size=4).map(lambda parts: "/" + "/".join(parts))


@given(st.sampled_from(["http", "https"]), st.sampled_from(["h", "h.example:81", "[::1]:9"]), PATHS, SEGMENTS)
def test_under_and_back(scheme: str, authority: str, path: str, query: str) -> None:
    url = f"{scheme}://{authority}{path}?{query}"
    link = under(Origin.parse(CLIENT), url)
    assert link is not None
    asked = parse(link.removeprefix(CLIENT))
    assert asked is not None
    assert f"{asked.origin}{asked.target}" == url
    assert query_inward(f"/x?u={link}", CLIENT, TUBE) == f"/x?u={url}"


@pytest.mark.parametrize(
    ("given_back", "known"),
    [
        (f"url={HOST}/https/files.example/1?a", "url=https://files.example/1?a"),
        (
            "url=http%3A%2F%2F127.0.0.1%3A8990%2F__peertape__%2Fhost%2Fhttps%2Ffiles.example%3A8443%2F1",
            "url=https%3A%2F%2Ffiles.example%3A8443%2F1",
        ),
        (f"url={HOST}/http/files.example/1&b={CLIENT}/w/1", "url=http://files.example/1&b=https://tube.example/w/1"),
        ("u=ws://127.0.0.1:8990/__peertape__/host/https/t.example/s", "u=wss://t.example/s"),
        (f"url={CLIENT}/__peertape__/health", "url=https://tube.example/__peertape__/health"),
    ],
)
def test_links_that_are_handed_back(given_back: str, known: str) -> None:
    assert query_inward(f"/api/v1/search/videos?{given_back}", CLIENT, TUBE) == f"/api/v1/search/videos?{known}"


def test_bodies_with_links_that_are_handed_back() -> None:
    link, known = f"{HOST}/https/files.example/1", "https://files.example/1"
    in_json = body_inward(Headers((("Content-Type", JSON),)), as_json({"targetUrl": link}), CLIENT, TUBE)
    assert json.loads(in_json) == {"targetUrl": known}
    form = Headers((("Content-Type", "multipart/form-data; boundary=B"),))

    def parts(one: str, other: str) -> bytes:
        return (
            f'--B\r\nContent-Disposition: form-data; name="targetUrl"\r\n\r\n{one}\r\n'
            f'--B\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\n{other}\r\n--B--\r\n'
        ).encode()

    assert body_inward(form, parts(link, link), CLIENT, TUBE) == parts(known, link)
    for kind, body in (("video/mp4", link.encode()), (JSON, b"{}"), (JSON, as_json([link]) + b" " * (1 << 20))):
        assert body_inward(Headers((("Content-Type", kind),)), body, CLIENT, TUBE) is body
    assert body_inward(Headers((("Content-Type", JSON),)), as_json([link]), TUBE, TUBE) == as_json([link])
