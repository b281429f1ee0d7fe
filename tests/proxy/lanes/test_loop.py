"""The event loop that other threads wake once for all that they schedule."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine

import pytest

from peertape.proxy.lanes.loop import Default, EventLoop, FirstStepError

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


@pytest.mark.skipif(sys.platform == "win32", reason="the loop sleeps elsewhere there")
class TestLending:
    """As granian schedules requests: a callback that makes a task of a coroutine."""

    @staticmethod
    def lending() -> EventLoop:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, EventLoop)
        loop.lends = True
        return loop

    @staticmethod
    def schedule(loop: EventLoop, begin: Callable[[], Coroutine[None, None, None]]) -> None:
        """Returns when the coroutine has ended."""
        ended = threading.Event()
        tasks: list[asyncio.Task[None]] = []

        async def whole() -> None:
            try:
                await begin()
            finally:
                ended.set()

        loop.call_soon_threadsafe(lambda begun: tasks.append(loop.create_task(begun)), whole())
        assert ended.wait(20)

    def test_what_one_step_does_is_done_where_it_is_scheduled_while_the_loop_sleeps(self) -> None:
        threads: set[int] = set()

        async def one_step() -> None:
            threads.add(threading.get_ident())

        async def work() -> None:
            loop = self.lending()

            def schedule() -> None:
                while threading.get_ident() not in threads:  # the loop may not sleep yet
                    self.schedule(loop, one_step)

            await asyncio.to_thread(schedule)

        _run(work)

    @pytest.mark.parametrize("lends", [True, False])
    def test_what_comes_after_it_is_done_in_the_thread_of_the_loop(self, lends: bool) -> None:
        async def work() -> None:
            loop = self.lending()
            loop.lends = lends
            firsts: list[int] = []
            threads: list[int] = []

            async def more() -> None:
                firsts.append(threading.get_ident())
                await asyncio.sleep(0)
                await asyncio.sleep(0.001)
                threads.append(threading.get_ident())

            def schedule() -> None:
                for _ in range(TIMES):
                    self.schedule(loop, more)

            await asyncio.to_thread(schedule)
            assert len(threads) == TIMES
            assert set(threads) == {threading.get_ident()}
            assert lends or set(firsts) == {threading.get_ident()}

        _run(work)

    def test_one_thread_at_a_time_has_the_turn(self) -> None:
        async def work() -> None:
            loop = self.lending()
            turn = threading.Lock()
            rounds = 0

            def alone() -> None:
                assert turn.acquire(blocking=False)
                for _ in range(20):  # others have the interpreter meanwhile
                    threading.Event().wait(0)
                turn.release()

            async def one_step() -> None:
                alone()

            def again() -> None:
                nonlocal rounds
                alone()
                rounds += 1
                if rounds < TIMES:
                    loop.call_later(0.0001, again)

            def schedule() -> None:
                while rounds < TIMES and not failures:
                    self.schedule(loop, one_step)

            again()
            await asyncio.gather(asyncio.to_thread(schedule), asyncio.to_thread(schedule))

        failures: list[object] = []

        async def watched() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
            await work()

        _run(watched)
        assert failures == []

    @pytest.mark.parametrize("way", ["an event", "call_soon", "call_later"])
    def test_what_a_first_step_schedules_wakes_the_loop(self, way: str) -> None:
        async def work() -> None:
            loop, event, home = self.lending(), asyncio.Event(), threading.get_ident()
            ways = {
                "an event": event.set,
                "call_soon": lambda: loop.call_soon(event.set),
                "call_later": lambda: loop.call_later(0, event.set),
            }
            lent: list[int] = []

            async def one_step() -> None:
                if threading.get_ident() != home:
                    ways[way]()
                    lent.append(1)

            def schedule(times: int) -> None:
                while len(lent) < times:  # the loop may not sleep yet
                    self.schedule(loop, one_step)

            for times in range(1, 51):
                event.clear()
                thread = threading.Thread(target=schedule, args=(times,))  # its end wakes nobody
                thread.start()
                await event.wait()
                thread.join()

        _run(work)

    def test_a_first_step_that_waits_is_told_so(self) -> None:
        async def work() -> None:
            loop = self.lending()
            told: list[BaseException] = []

            async def waiting() -> None:
                soon: asyncio.Future[None] = loop.create_future()
                loop.call_later(0.001, soon.set_result, None)
                try:
                    await soon
                except FirstStepError as error:
                    told.append(error)

            def schedule() -> None:
                while not told:  # where the loop does not sleep, it waits
                    self.schedule(loop, waiting)

            await asyncio.to_thread(schedule)

        _run(work)


def test_a_loop_that_is_closed_refuses_them() -> None:
    loop = EventLoop()
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_soon_threadsafe(print)
