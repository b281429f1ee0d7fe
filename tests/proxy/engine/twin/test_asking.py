"""What the rules ask of the request itself: Accept, names of uploaders, digests, files that are none."""

from __future__ import annotations

import pytest

from peertape.proxy.engine.twin.asking import accepts, digest, fnv1a, is_no_media
from peertape.proxy.engine.twin.undecided import Undecided


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        (None, True),
        ("*/*", True),
        ("application/*", True),
        ("text/xml;q=0.5, image/png", True),
        ("application/json", False),
        ("application/xml;q=0", False),
        ("application/xml;q=0, */*", False),
        ("application/xml;q=much", False),
        ("", False),
    ],
)
def test_accept(header: str | None, taken: bool) -> None:
    assert accepts(header, ["application/xml"] if header != "text/xml;q=0.5, image/png" else ["text/xml"]) is taken


@pytest.mark.parametrize(("text", "name"), [("1", "af63ac4c86019afc"), ("", "cbf29ce484222325")])
def test_name_of_an_uploader(text: str, name: str) -> None:
    assert fnv1a(text) == name


def test_digest_is_in_base64() -> None:
    assert digest(b"abc", "sha1") == "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="


@pytest.mark.parametrize("body", [b"this is no video\n", b"\0\0\0\x08ftypisom\0\0\0\x08mdat"])
def test_no_media(body: bytes) -> None:
    assert is_no_media(body)


def test_media_with_its_table() -> None:
    assert not is_no_media(b"\0\0\0\x08ftypisom\0\0\0\x08moov")


@pytest.mark.parametrize("body", [b"", b"\0" * 100, b"\x1aE\xdf\xa3webm", b"G text that may be a transport stream"])
def test_only_ffmpeg_could_tell(body: bytes) -> None:
    with pytest.raises(Undecided):
        is_no_media(body)
