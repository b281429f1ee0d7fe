"""Places that cannot be used are named, without their secrets."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from support import samples

from peertape.config.state import address
from peertape.proxy.engine.state.interface import StateLostError
from peertape.proxy.stores.opening import opened


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("redis://127.0.0.1:1/0", r"^The Redis at redis://127\.0\.0\.1:1/0 does not answer: "),
        ("redis://user:word@127.0.0.1:1", r"^The Redis at redis://user:\*\*\*@127\.0\.0\.1:1 does not answer: "),
        ("redis://127.0.0.1:1/0?odd=1", r"^redis://127\.0\.0\.1:1/0 has parts after its \? that are not known "),
        ("redis://127.0.0.1:1/0?db=x", "^redis://127.0.0.1:1/0 is no address of a Redis: "),
        ("sqlite:////no/such/folder/state", "/no/such/folder/state cannot be used: there is no folder /no/such/folder"),
    ],
)
def test_it_is_said_at_the_start(place: str, sentence: str) -> None:
    with pytest.raises(StateLostError, match=sentence) as raised:
        opened(address(place))
    assert ":word" not in str(raised.value)


def test_a_cassette_is_no_place_for_sessions(tmp_path: Path) -> None:
    """It would have their tables from then on, and the cassette that is played would change with each request."""
    tape = samples.record(tmp_path / "small.cassette")
    before = tape.read_bytes()
    with pytest.raises(StateLostError, match=r"small\.cassette is a cassette or another database; name another file"):
        opened(address(f"sqlite:///{tape}"))
    assert tape.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["small.cassette"]
    place = address(f"sqlite:///{tmp_path / 'state'}")
    with closing(opened(place)), closing(opened(place)):
        pass
