"""Multipart bodies: fields are held back and redacted, files pass as they come."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.redaction.multipart import MultipartFilter, boundary_of
from peertape.cassettes.redaction.pseudonyms import Pseudonyms
from peertape.cassettes.redaction.redactor import Redactor
from peertape.cassettes.redaction.rules import RedactionRules


class Quick(Pseudonyms):
    """Without the slow hash."""

    def of(self, secret: str, guessable: bool) -> str:  # noqa: ARG002
        return super().of(secret, False)


QUICK = Quick(b"k" * 32, b"s" * 16)
REDACTOR = Redactor(QUICK, RedactionRules.default())
SECRET, FAKE = b"hunter22", QUICK.of("hunter22", False).encode()
FILE = b"\0\r\n--bou\r\n--boundar" * 50 + b"hunter22\r\n"


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    file = f'; filename="{filename}"\r\nContent-Type: video/mp4' if filename is not None else ""
    return f'Content-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"


PARTS = [
    part("name", b"a film"),
    part("videoPasswords[0]", SECRET),
    part("options", b'{"token":"hunter22"}'),
    part("videofile", FILE, "hunter22.mp4"),
    part("password", b""),
]


def body(parts: list[bytes], boundary: bytes = b"boundary") -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + one for one in parts) + b"--" + boundary + b"--\r\n"


def filtered(octets: bytes, boundary: bytes = b"boundary", limit: int = 1000) -> tuple[bytes, MultipartFilter]:
    one = MultipartFilter(boundary, REDACTOR, limit)
    return one.feed(octets) + one.finish(), one


def expected(octets: bytes) -> bytes:
    head, file, rest = octets.partition(FILE)
    return head.replace(SECRET, FAKE).replace(FAKE + b".mp4", b"hunter22.mp4") + file + rest.replace(SECRET, FAKE)


def test_only_secrets_change() -> None:
    stored, one = filtered(body(PARTS))
    assert stored == expected(body(PARTS))
    assert one.changed
    assert not one.oversize


def test_files_pass_as_they_come() -> None:
    one = MultipartFilter(b"boundary", REDACTOR)
    one.feed(b"--boundary\r\n" + part("videofile", b"", "a.mp4")[:-2])
    assert len(one.feed(b"x" * 5000)) > 4900


def test_without_secrets_nothing_changes() -> None:
    octets = b"preamble\r\n" + body([part("name", b"x"), part("f", FILE, "f")]) + b"epilogue"
    stored, one = filtered(octets)
    assert stored == octets
    assert not one.changed


CUT = body(PARTS)[:-30]
BODIES = dict(
    enumerate(
        [
            body(PARTS),
            CUT,
            body(PARTS)[:150],
            body(PARTS, b"other"),
            body(PARTS).replace(b"\r\n", b"\n"),
            body([part("big", b"x" * 3000), part("password", SECRET)]),
            body([part("name", b"x"), part("password", b"x" * 3000)]),
            b"preamble\r\n" + body(PARTS) + b"epilogue",
            b"x" * 5000,
            b"--boundary\r\n" + b"h" * 70_000 + body(PARTS),
            body(PARTS) + body(PARTS),
            b"--boundary \t\r\n" + part("password", SECRET) + b"--boundary--",
            b"--boundary\r\n\r\n" + SECRET + b"\r\n--boundary--",
        ]
    )
)


@given(st.sampled_from(list(BODIES)), st.lists(st.integers(0, 6000), max_size=30))
def test_pieces_do_not_matter(number: int, cuts: list[int]) -> None:
    octets = BODIES[number]
    stored, whole = filtered(octets)
    one = MultipartFilter(b"boundary", REDACTOR, 1000)
    edges = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    pieces = [one.feed(octets[start:stop]) for start, stop in pairwise(edges)]
    assert b"".join(pieces) + one.finish() == stored
    assert (one.digest, one.changed, one.oversize) == (whole.digest, whole.changed, whole.oversize)


@pytest.mark.parametrize("number", [number for number in BODIES if len(BODIES[number]) < 5000])
def test_octet_by_octet(number: int) -> None:
    stored, whole = filtered(BODIES[number])
    one = MultipartFilter(b"boundary", REDACTOR, 1000)
    assert b"".join(one.feed(bytes([octet])) for octet in BODIES[number]) + one.finish() == stored
    assert (one.digest, one.changed, one.oversize) == (whole.digest, whole.changed, whole.oversize)


@pytest.mark.parametrize(
    "octets",
    [
        CUT,
        body(PARTS[:2])[:-14],
        body(PARTS, b"other"),
        body(PARTS[:3]).replace(b"\r\n", b"\n"),
        body([part("password", SECRET)])[2:],
        body([part("password", SECRET)]) * 2,
    ],
)
def test_malformed_ones_are_redacted(octets: bytes) -> None:
    stored, one = filtered(octets)
    assert len(stored) == len(octets)
    assert b"\r\n\r\nhunter22" not in stored
    assert b"\n\nhunter22" not in stored
    assert one.changed


def test_a_secret_over_the_limit_is_not_stored() -> None:
    stored, one = filtered(body([part("name", b"x"), part("password", b"hunter22" * 1000)]))
    assert one.oversize
    assert SECRET not in stored
    assert filtered(body([part("description", b"long " * 1000)]))[1].oversize is False


def test_digest_is_by_parts() -> None:
    assert filtered(body(PARTS))[1].digest == filtered(body(PARTS[::-1], b"other"), b"other")[1].digest
    assert filtered(body(PARTS))[1].digest == filtered(expected(body(PARTS)))[1].digest
    assert filtered(body(PARTS))[1].digest == filtered(b"pre\r\n" + body(PARTS) + b"post")[1].digest
    assert filtered(body(PARTS))[1].digest != filtered(body(PARTS[1:]))[1].digest
    two = [part("tags", b"a"), part("tags", b"b")]
    assert filtered(body(two))[1].digest != filtered(body(two[::-1]))[1].digest


def test_digest_of_a_cut_body_does_not_see_the_boundary() -> None:
    assert filtered(CUT)[1].digest == filtered(body(PARTS, b"another-one")[:-33], b"another-one")[1].digest
    assert filtered(CUT)[1].digest != filtered(CUT[:-100])[1].digest


@pytest.mark.parametrize(
    ("value", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('multipart/form-data; charset=x; Boundary="a b;c"; d=e', b"a b;c"),
        ("multipart/form-data", b""),
    ],
)
def test_boundary_of(value: str, boundary: bytes) -> None:
    assert boundary_of(value) == boundary
