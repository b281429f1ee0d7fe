"""HLS playlists as values."""

from __future__ import annotations

import pytest

from peertape.proxy.engine.inventory import hls
from peertape.proxy.engine.inventory.needs import Piece
from peertape.proxy.engine.inventory.places import Home, Place
from peertape.proxy.engine.ranges import Span

HOME = Home(frozenset({"https://tube.example"}))
AT = Place("/static/hls/a/360.m3u8")
HEAD = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n"


def media(text: str, at: Place = AT) -> hls.Segments:
    return hls.segments((HEAD + text).encode(), at, HOME)


def test_byte_ranges_with_an_offset_and_without_one() -> None:
    found = media(
        '#EXT-X-MAP:URI="f.mp4",BYTERANGE="10@0"\n'
        "#EXTINF:4.0,\n#EXT-X-BYTERANGE:100@10\nf.mp4\n"
        "#EXTINF:2.5,\n#EXT-X-BYTERANGE:50\nf.mp4\n#EXT-X-ENDLIST\n"
    )
    assert found.files == (
        (
            Place("/static/hls/a/f.mp4"),
            (
                Piece(None, Span(0, 9)),
                Piece(0, Span(10, 109), 0.0, 4.0),
                Piece(1, Span(110, 159), 4.0, 2.5),
            ),
        ),
    )
    assert (found.seconds, found.is_live) == (6.5, False)


def test_links_of_the_instance_of_other_hosts_and_keys() -> None:
    found = media(
        '#EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/k?x=1"\n'
        "#EXTINF:4,\nhttps://TUBE.example/b/1.ts\n#EXTINF:4,\nhttps://files.example:8443/2.ts\n#EXTINF:4,\n../3.ts\n"
    )
    assert [place for place, _ in found.files] == [
        Place("/b/1.ts"),
        Place("/2.ts", "https://files.example:8443"),
        Place("/static/hls/3.ts"),
    ]
    assert found.keys == (Place("/k?x=1", "https://keys.example"),)
    assert found.is_live


def test_what_lies_on_another_host_stays_there() -> None:
    found = media("#EXTINF:4,\n1.ts\n", Place("/x/p.m3u8", "https://files.example"))
    assert found.files[0][0] == Place("/x/1.ts", "https://files.example")


def test_a_master_playlist_with_sound_of_its_own() -> None:
    text = (
        '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="s",NAME="Audio",URI="0.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=640x360,AUDIO="s"\n1.m3u8\n'
        "#EXT-X-STREAM-INF:BANDWIDTH=1\n2.m3u8\n"
    )
    found = hls.master(text.encode(), AT, HOME)
    assert [(one.place.target, one.width, one.height, one.audio) for one in found.variants] == [
        ("/static/hls/a/1.m3u8", 640, 360, "s"),
        ("/static/hls/a/2.m3u8", 0, 0, None),
    ]
    assert found.sounds == (hls.Sound(Place("/static/hls/a/0.m3u8"), "s"),)


def test_the_states_of_a_live_playlist_are_told_together() -> None:
    first = media("#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:2,\n0.ts\n#EXTINF:2,\n1.ts\n")
    later = media("#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:2,\n1.ts\n#EXTINF:3,\n2.ts\n")
    found = hls.all_told([first, later])
    assert [(piece.number, piece.start, piece.end) for piece in hls.pieces(found)] == [
        (0, 0.0, 2.0),
        (1, 2.0, 4.0),
        (2, 4.0, 7.0),
    ]
    assert found.is_live


@pytest.mark.parametrize(
    "text", ["", "<html>", HEAD + "#EXTINF:4,\n#EXT-X-BYTERANGE:x@y\nf.mp4\n", HEAD + "#EXTINF:x,\nf\n"]
)
def test_what_is_no_playlist_says_so(text: str) -> None:
    with pytest.raises(hls.PlaylistError):
        hls.segments(text.encode(), AT, HOME)
