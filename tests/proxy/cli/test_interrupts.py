"""Ctrl-C waits while modules are imported, and a command that it stops tells so by its exit code."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click
import pytest
from click.testing import CliRunner

from peertape.proxy.cli import interrupts, main
from peertape.proxy.cli.lazy import LazyGroup


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_interrupts_is_postponed(number: signal.Signals) -> None:
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    passed = False
    try:
        interrupts.heed()
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012
            with interrupts.postponed():
                signal.raise_signal(number)
                passed = True
            pytest.fail("it was lost")
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    assert passed


def test_a_command_that_is_stopped_says_so() -> None:
    group = LazyGroup(entries={})

    @group.command()
    def work() -> NoReturn:
        raise KeyboardInterrupt

    group.get_command = lambda _ctx, _name: work
    found = CliRunner().invoke(group, ["work"])
    assert (found.exit_code, found.stderr) == (interrupts.STOPPED, "Stopped.\n")
    assert isinstance(work, click.Command)


def test_a_start_that_is_stopped_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def stopped() -> Iterator[None]:
        yield
        raise KeyboardInterrupt

    monkeypatch.setattr(interrupts, "heed", lambda: None)
    monkeypatch.setattr(interrupts, "postponed", stopped)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == interrupts.STOPPED
