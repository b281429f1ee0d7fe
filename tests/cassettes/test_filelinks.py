"""Links to files, found by where they stand."""

from __future__ import annotations

import json

import pytest

from peertape.cassettes.filelinks import file_links, redirects_to_file

JSON, FEED, HLS = "application/json", "application/rss+xml", "application/vnd.apple.mpegurl"
VIDEO = "/api/v1/videos/1"
PLAYLIST = (
    "#EXTM3U\r\n"
    '#EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/1",IV=0x1\r\n'
    '#EXT-X-MEDIA:TYPE=AUDIO,NAME="a, URI=\'x\' b",URI="audio.m3u8"\n'
    '#EXT-X-MAP:URI="/init.mp4",BYTERANGE="720@0"\n'
    "#EXTINF:4,https://title.example/\n"
    "seg-0.ts?a=b\n"
    "# https://comment.example/\n"
    "\n"
    "  https://cdn.example/seg-1.ts  \n"
    '#EXT-X-DATERANGE:X-ASSET-URI="https://ad.example/x",X-COMMENT="https://no.example"'
)
XML = """<rss><channel><image><url>https://cdn.example/icon.png</url><link>https://page.example</link></image><item>
<enclosure length="1" type="video/mp4" url="https://cdn.example/1.mp4?a=1&amp;b=2"/>
<media:content fileSize='1 > 0' url = "https://cdn.example/2.mp4" isDefault="true"/>
<media:player url="https://page.example/w/1"/><media:thumbnail url="https://cdn.example/t.jpg"/>
<media:peerLink href="https://cdn.example/1.torrent" url="https://no.example"/>
<podcast:source uri="https://cdn.example/m.m3u8"/><itunes:image href="https://cdn.example/i.jpg"/>
<description><![CDATA[<enclosure url="https://user.example/"/> <url>https://user.example/</url>]]></description>
<!-- <enclosure url="https://remark.example/"/> --></item></channel></rss>"""


def found(text: str | bytes, media_type: str, path: str, *, of_instance: bool = True) -> list[str]:
    octets = text.encode() if isinstance(text, str) else text
    links = list(file_links(octets, media_type, path, of_instance=of_instance))
    for link in links:  # spelled again, it says the same
        changed = octets[: link.start] + link.spell(link.reference).encode() + octets[link.stop :]
        again = [each.reference for each in file_links(changed, media_type, path, of_instance=of_instance)]
        assert again == [each.reference for each in links]
    return [link.reference for link in links]


def test_members_of_json() -> None:
    value = {
        "url": "https://page.example/",
        "account": {"url": "https://page.example/accounts/a", "avatars": [{"path": "/x", "fileUrl": "https://a/1"}]},
        "description": '"fileUrl":"https://user.example/"',
        "fileUrl": None,
        "files": [{"fileUrl": 'https://a/"\\2é', "magnetUri": "magnet:?ws=https://a/3"}],
        "trackerUrls": ["wss://a/tracker/socket", "https://a/tracker/announce"],
        "playlistUrl": ["https://a/4", 5],
        "redundancies": [{"baseUrl": "https://a/6"}],
        "metadataUrl": "/relative",
    }
    expected = [
        "https://a/1",
        'https://a/"\\2é',
        "wss://a/tracker/socket",
        "https://a/tracker/announce",
        "https://a/6",
        "/relative",
    ]
    assert found(json.dumps(value), JSON, VIDEO) == expected
    assert found(json.dumps(value, ensure_ascii=False, indent=1), JSON, "//API/v1/videos/1/") == expected
    assert found(json.dumps(value).replace("/", "\\/"), JSON, VIDEO) == expected


@pytest.mark.parametrize("path", ["/videos/watch/1", "/apis", "/plugins/x/router/y", "/.well-known/nodeinfo"])
def test_json_that_is_no_answer_of_the_api(path: str) -> None:
    assert found('{"fileUrl":"https://a/1"}', JSON, path) == []


def test_playlists() -> None:
    expected = [
        "https://keys.example/1",
        "audio.m3u8",
        "/init.mp4",
        "seg-0.ts?a=b",
        "https://cdn.example/seg-1.ts",
        "https://ad.example/x",
    ]
    assert found(PLAYLIST, HLS, "/static/1.m3u8") == found(PLAYLIST, "audio/x-mpegurl", "/x", of_instance=False)
    assert found(PLAYLIST, HLS, "/static/1.m3u8") == expected


def test_feeds() -> None:
    assert found(XML, FEED, "/feeds/videos.xml") == [
        "https://cdn.example/icon.png",
        "https://cdn.example/1.mp4?a=1&b=2",
        "https://cdn.example/2.mp4",
        "https://cdn.example/t.jpg",
        "https://cdn.example/1.torrent",
        "https://cdn.example/m.m3u8",
        "https://cdn.example/i.jpg",
    ]
    assert found(XML, FEED, "/sitemap.xml") == []


def test_other_hosts_name_files_by_playlists_alone() -> None:
    assert found('{"fileUrl":"https://a/1"}', JSON, VIDEO, of_instance=False) == []
    assert found(XML, FEED, "/feeds/videos.xml", of_instance=False) == []


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b'"fileUrl":', b'"fileUrl":"https://a', b'"fileUrl":"\xff"', b'"fileUrl":"\\x"', b"\xff\xfe" * 9],
)
def test_what_is_broken_has_none(text: bytes) -> None:
    for kind, path in ((JSON, VIDEO), (FEED, "/feeds/videos.xml"), ("video/mp4", "/static/1.mp4")):
        assert found(text, kind, path) == []


@pytest.mark.parametrize(
    "text",
    [
        b"<enclosure " * 50_000,
        b'<enclosure url="' * 50_000,
        b"<enclosure '" * 50_000,
        b"<url>" * 100_000,
        b"<!--" * 100_000,
        b'"fileUrl":[' * 50_000,
        b'"fileUrl":["a",' * 50_000,
        b'#EXT"' * 100_000,
    ],
)
def test_hostile_text_is_looked_through_all_the_same(text: bytes) -> None:
    for kind, path in ((JSON, VIDEO), (FEED, "/feeds/videos.xml"), (HLS, "/static/1.m3u8")):
        list(file_links(text, kind, path))


@pytest.mark.parametrize(
    ("status", "method", "path", "of_instance", "leads"),
    [
        (302, "GET", "/download/web-videos/1.mp4", True, True),
        (302, "HEAD", "//Static/web-videos/1.mp4", True, True),
        (307, "GET", "/lazy-static/avatars/1.png", True, True),
        (302, "GET", "/plugins/auth-openid/router/login", True, False),
        (302, "GET", "/services/redirect/accounts/a", True, False),
        (302, "POST", "/static/1", True, False),
        (200, "GET", "/static/1", True, False),
        (304, "GET", "/static/1", True, False),
        (301, "GET", "/anything", False, True),
        (201, "GET", "/anything", False, False),
    ],
)
def test_redirects(status: int, method: str, path: str, of_instance: bool, leads: bool) -> None:
    assert redirects_to_file(status, method, path, of_instance=of_instance) is leads
