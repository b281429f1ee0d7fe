"""Reading JSON in pieces gives what reading it whole does."""

from __future__ import annotations

import io
import json
from itertools import islice
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from peertape.cassettes.errors import ImportFailed
from peertape.cassettes.interchange import har, jsonstream
from peertape.cassettes.interchange.jsonstream import JsonStream

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
PIECES = st.integers(1, 40)  # octets


def stream(text: str | bytes, piece: int) -> JsonStream:
    class File(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            assert size is not None
            return super().read(min(size, piece))

    return JsonStream(File(text if isinstance(text, bytes) else text.encode()))


@given(value=VALUES, piece=PIECES, indent=st.none() | st.integers(0, 2), ascii_=st.booleans())
@example(value=12345, piece=2, indent=None, ascii_=True)
def test_a_value_in_pieces_is_the_same(value: Any, piece: int, indent: int | None, ascii_: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_)
    read = stream(f" {text}\n", piece)
    assert read.value() == value
    read.end()


@given(values=st.lists(VALUES), piece=PIECES)
def test_a_list_is_read_item_by_item(values: list[Any], piece: int) -> None:
    read = stream(json.dumps(values, indent=1), piece)
    assert list(read.items()) == values
    read.end()


@given(value=st.dictionaries(st.text(), VALUES), piece=PIECES)
def test_an_object_is_read_member_by_member(value: dict[str, Any], piece: int) -> None:
    read = stream(json.dumps(value), piece)
    assert {name: read.value() for name in read.members()} == value
    read.end()


def test_lone_surrogates_stay() -> None:
    assert stream('"a\\udc80"', 2).value() == "a\udc80"


@pytest.mark.parametrize("text", ["[1 2]", "[1,]", "[,1]", "[1", '["a]', "[1]]", "[nul]", "{}", b"[\xff]", ""])
def test_what_is_no_list_is_refused(text: str | bytes) -> None:
    read = stream(text, 2)

    def whole() -> None:
        list(read.items())
        read.end()

    with pytest.raises(ValueError, match=r"."):
        whole()


@pytest.mark.parametrize("text", ['{"a" 1}', '{"a":}', "{1: 2}", '{"a": 1,}', '{"a": 1', "{a: 1}", "[]"])
def test_what_is_no_object_is_refused(text: str) -> None:
    read = stream(text, 2)
    with pytest.raises(ValueError, match=r"."):
        [read.value() for _ in read.members()]


ENTRY = {
    "startedDateTime": "2024-05-01T10:00:00Z",
    "request": {"method": "GET", "url": "https://p.example/a"},
    "response": {"status": 200, "content": {"size": 900, "text": "é" * 900}},
}
LOG = json.dumps({"log": {"pages": [{"id": 1}], "entries": [ENTRY] * 3, "comment": "x"}, "more": 1}).encode()


@pytest.mark.parametrize("cut", range(1, len(LOG), 97))
def test_of_a_har_file_that_is_cut_off_the_whole_entries_are_read(cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonstream, "_PIECE", 64)
    assert len(list(har.read_har(io.BytesIO(LOG)))) == 3
    found = har.read_har(io.BytesIO(LOG[:-cut]))
    whole = LOG[:-cut].count(json.dumps(ENTRY).encode())
    assert len(list(islice(found, whole))) == whole
    with pytest.raises(ImportFailed, match=f"after {whole} whole entries" if whole else r"after 0|no HAR file"):
        next(found)


def test_a_har_file_does_not_stand_in_memory_whole() -> None:
    """The first exchange is there before most of the file is read."""
    entries = [ENTRY] * 2000
    file = io.BytesIO(json.dumps({"log": {"entries": entries}}).encode())
    exchanges = har.read_har(file)
    next(exchanges)
    assert file.tell() < len(file.getvalue()) / 4
    assert sum(1 for _ in exchanges) == len(entries) - 1
