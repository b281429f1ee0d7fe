"""The event loop that other threads wake once for all that they schedule."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from peertape.proxy.lanes.loop import Default, EventLoop

TIMES = 500


def _run(work: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await work()

    asyncio.run(bounded(), loop_factory=EventLoop)


def test_a_loop_that_sleeps_is_woken_each_time() -> None:
    async def work() -> None:
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        done = threading.Event()

        def schedule() -> None:
            for _ in range(TIMES):
                done.clear()
                loop.call_soon_threadsafe(done.set)
                if not done.wait(20):
                    return
            loop.call_soon_threadsafe(over.set)

        thread = threading.Thread(target=schedule)
        thread.start()
        await over.wait()
        thread.join()

    _run(work)


def test_all_that_several_threads_schedule_is_called_in_the_order_of_each() -> None:
    async def work() -> None:
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        called: list[tuple[int, int]] = []

        def call(name: int, number: int) -> None:
            called.append((name, number))
            if len(called) == 3 * TIMES:
                over.set()

        def schedule(name: int) -> None:
            for number in range(TIMES):
                loop.call_soon_threadsafe(call, name, number)

        threads = [threading.Thread(target=schedule, args=(name,)) for name in range(3)]
        for thread in threads:
            thread.start()
        await over.wait()
        for thread in threads:
            thread.join()
        for name in range(3):
            assert [number for one, number in called if one == name] == list(range(TIMES))

    _run(work)


def test_it_is_woken_once_for_all_that_is_scheduled_before_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[object] = []
    wake = Default.call_soon_threadsafe

    def counted(self: Default, callback: Callable[..., object], *args: object) -> asyncio.Handle:
        woken.append(callback)
        return wake(self, callback, *args)

    monkeypatch.setattr(Default, "call_soon_threadsafe", counted)
    called: list[int] = []

    async def work() -> None:
        loop = asyncio.get_running_loop()

        def schedule() -> None:
            for number in range(TIMES):
                loop.call_soon_threadsafe(called.append, number)

        for _ in range(2):
            thread = threading.Thread(target=schedule)
            thread.start()
            thread.join()  # the loop does not run meanwhile
            assert called == []
            await asyncio.sleep(0)
            assert called == list(range(TIMES))
            called.clear()

    _run(work)
    assert len(woken) == 2


def test_a_loop_in_debug_mode_takes_them_as_well() -> None:
    async def work() -> None:
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        loop.set_debug(True)
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(over.set,))
        thread.start()
        await over.wait()
        thread.join()

    _run(work)


def test_a_loop_that_is_closed_refuses_them() -> None:
    loop = EventLoop()
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_soon_threadsafe(print)
