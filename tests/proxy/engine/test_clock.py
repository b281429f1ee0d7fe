"""The virtual clock."""

from __future__ import annotations

from peertape.proxy.engine.clock import Clock


class Real:
    """A real clock that the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_it_runs_with_the_real_one_until_it_is_touched() -> None:
    real = Real()
    clock = Clock(real)
    assert (clock.now(), clock.timeline) == (1000.0, None)
    real.now = 1005.0
    assert clock.now() == 1005.0


def test_it_is_set_moved_stopped_and_let_go() -> None:
    real = Real()
    clock = Clock(real)
    clock.advance(300)
    assert (clock.now(), clock.timeline) == (1300.0, None)
    clock.freeze(stop=True)
    real.now = 2000.0
    assert (clock.now(), clock.frozen) == (1300.0, True)
    clock.advance(10)
    assert clock.now() == 1310.0
    clock.freeze(stop=False)
    real.now = 2001.0
    assert clock.now() == 1311.0
    clock.set(50.0)
    assert (clock.now(), clock.timeline) == (50.0, 50.0)
    real.now = 2002.0
    assert (clock.now(), clock.timeline) == (51.0, 50.0)  # time runs, knowledge does not
    clock.advance(10)
    assert (clock.now(), clock.timeline) == (61.0, 60.0)
    assert clock.known_until is not None
    assert 60.0005 < clock.known_until < 60.001  # whatever was answered within that millisecond
    clock.reset()
    assert (clock.now(), clock.timeline, clock.frozen) == (2002.0, None, False)
