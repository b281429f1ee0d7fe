"""Forms that multer and busboy do not read to their end; the expected faults are theirs, under Node 20."""

from __future__ import annotations

import pytest

from peertape.cassettes.headers import Headers
from peertape.proxy.engine.model import Request
from peertape.proxy.engine.twin.multipart import FormFault, form_fault

FORM = "multipart/form-data; boundary=abc"
END = b"--abc--\r\n"
CRAFTED = "form-data" + "; a=b  " * 2000 + "!"  # spaces that could belong to either side
CUT = FormFault("Unexpected end of form")
MALFORMED = FormFault("Malformed part header")
UNEXPECTED = FormFault("Unexpected field", "MulterError")
NAMELESS = FormFault("Field name missing", "MulterError")


def part(field: str | None, value: str, filename: str | None = None, disposition: str = "form-data") -> bytes:
    name = "" if field is None else f'; name="{field}"'
    file = "" if filename is None else f'; filename="{filename}"'
    return f"--abc\r\nContent-Disposition: {disposition}{name}{file}\r\n\r\n{value}\r\n".encode()


def fault(
    body: bytes, kind: str = FORM, fields: frozenset[str] | None = frozenset({"image", "film"})
) -> FormFault | None:
    headers = Headers((("Content-Type", kind), ("Content-Length", str(len(body)))))
    return form_fault(Request("POST", "/", headers, body), fields)


@pytest.mark.parametrize(
    "body",
    [
        END,
        part("a", "1") + END,
        part("a", "1") + b"--abc--",
        b"preamble\r\n" + part("a", "1") + END + b"epilogue",
        part("image", "x", "a.png") + part("film", "y", "b.mp4") + END,
        part("other", "x", "") + END,
        part("a", "1", disposition="attachment") + END,
        b"--abcx\r\nnonsense\r\n" + part("a", "1") + END,
    ],
)
def test_whole_forms(body: bytes) -> None:
    assert fault(body) is None


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", CUT),
        (b"abc", CUT),
        (part("a", "1"), CUT),
        (part("a", "1")[:-1], CUT),
        (b"--abc\r\nContent-Disposition: form-data; name", CUT),
        (part("other", "x", "a.png") + END, UNEXPECTED),
        (part("other", "x", "a.png"), UNEXPECTED),
        (part("image", "x", "a.png") * 2 + END, UNEXPECTED),
        (part(None, "1") + END, NAMELESS),
        (part("", "1") + END, NAMELESS),
        (b"--abc\r\nnonsense\r\n\r\nx\r\n" + END, MALFORMED),
        (b'--abc\r\nContent-Disposition: form-data; name="a"\r\n' + part("a", "1") + END, MALFORMED),
    ],
)
def test_faults(body: bytes, found: FormFault) -> None:
    assert fault(body) == found


def test_the_boundary() -> None:
    assert fault(b"abc", "multipart/form-data") == FormFault("Multipart: Boundary not found")
    assert fault(part("a", "1") + END, 'multipart/form-data; boundary="abc"') is None
    mixed = "multipart/mixed; boundary=abc"
    assert fault(part("a", "1") + END, mixed) == FormFault(f"Unsupported content type: {mixed}")


def test_files_in_any_field() -> None:
    assert fault(part("other", "x", "a.png") * 2 + END, fields=None) is None
    assert fault(part("other", "x", "a.png"), fields=None) == CUT


def test_what_is_no_form_is_left_alone() -> None:
    assert fault(b"{", "application/json") is None
    assert form_fault(Request("POST", "/", Headers((("Content-Type", FORM),))), None) is None
    held_elsewhere = Request("POST", "/", Headers((("Content-Type", FORM), ("Content-Length", "9"))), b"", b"digest")
    assert form_fault(held_elsewhere, None) is None


def test_a_crafted_header_takes_no_longer_than_any() -> None:
    assert fault(part("a", "1", disposition=CRAFTED) + END) is None
