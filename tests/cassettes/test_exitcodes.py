"""How processes end, in words."""

from __future__ import annotations

import signal

import pytest

from peertape.cassettes.exitcodes import told


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, "ended with exit code 0"),
        (2, "ended with exit code 2"),
        (-signal.SIGTERM, "was ended by SIGTERM"),
        (-signal.SIGKILL, "was ended by SIGKILL (the machine may have run out of memory)"),
    ],
)
def test_the_end_of_a_process(code: int, said: str) -> None:
    assert told(code) == said
