"""Places that cannot be used are named, without their secrets."""

from __future__ import annotations

import pytest

from peertape.config.state import address
from peertape.proxy.engine.state.interface import StateLostError
from peertape.proxy.stores.opening import opened


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("redis://127.0.0.1:1/0", r"^The Redis at redis://127\.0\.0\.1:1/0 does not answer: "),
        ("redis://user:word@127.0.0.1:1", r"^The Redis at redis://user:\*\*\*@127\.0\.0\.1:1 does not answer: "),
        ("redis://127.0.0.1:1/0?odd=1", "^redis://127.0.0.1:1/0 has parts that are not known: "),
        ("redis://127.0.0.1:1/0?db=x", "^redis://127.0.0.1:1/0 is no address of a Redis: "),
        ("sqlite:////no/such/folder/state", "/no/such/folder/state cannot be used: "),
    ],
)
def test_it_is_said_at_the_start(place: str, sentence: str) -> None:
    with pytest.raises(StateLostError, match=sentence) as raised:
        opened(address(place))
    assert ":word" not in str(raised.value)
