"""The event loop of the lanes: other threads wake it once for all that they schedule until it runs, and need not wake
it at all for what is done in a moment.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextvars import Context, copy_context
from types import CoroutineType
from typing import Any

from peertape.proxy.lanes.sleep import Sleep

if sys.platform == "win32":
    Default = asyncio.ProactorEventLoop
else:
    Default = asyncio.SelectorEventLoop


class FirstStepError(RuntimeError):
    """A coroutine waits for something in its first step, which was taken outside of the loop."""


class EventLoop(Default):
    """asyncio wakes the loop by a system call for each callback, and lets go of the interpreter's lock meanwhile.

    granian schedules every request from a thread of its own: that took a sixth of the time of an answer.

    If the loop `lends` its turn, and sleeps, the first step of a coroutine that another thread schedules is taken in
    that thread: a third of the time of an answer is spared where that is all there is to do. Such a step ends the
    coroutine, or ends at `asyncio.sleep(0)`, from where it goes on in the loop's own thread; it waits for nothing else.
    """

    def __init__(self) -> None:
        self.lends = False
        self._is_lent = False
        self._is_woken = False
        self._sleep = Sleep()
        if sys.platform == "win32":  # that sleeps elsewhere, and so lends nothing
            super().__init__()
        else:
            super().__init__(self._sleep)
        self._spent = asyncio.Handle(int, (), self)  # of what was done at once: there is nothing to cancel

    def call_soon_threadsafe[*Ts](
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        if self.get_debug():  # then call_soon refuses other threads
            return super().call_soon_threadsafe(callback, *args, context=context)
        if self.lends and args and isinstance(args[0], CoroutineType) and self._has_ended(args[0], context):
            return self._spent
        # In this order: if it is woken by now, it looks once more at what was scheduled before it sleeps again.
        handle = self.call_soon(callback, *args, context=context)
        self._wake()
        return handle

    def _has_ended(self, coroutine: CoroutineType[Any, Any, Any], context: Context | None) -> bool:
        """Takes the first step of a coroutine here and now, if the loop sleeps; whether that was the last, too."""
        if not self._sleep.borrow():
            return False
        self._is_lent = True
        try:
            if (context or copy_context()).run(coroutine.send, None) is not None:
                coroutine.throw(FirstStepError("A first step waits for nothing: `asyncio.sleep(0)` ends it."))
        except StopIteration:
            return True
        finally:
            self._is_lent = False
            self._sleep.give_back()
        return False

    def call_soon[*Ts](
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = super().call_soon(callback, *args, context=context)
        if self._is_lent:
            self._wake()
        return handle

    def call_at[*Ts](
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = super().call_at(when, callback, *args, context=context)
        if self._is_lent:
            self._wake()
        return handle

    def _wake(self) -> None:
        if not self._is_woken:
            self._is_woken = True
            super().call_soon_threadsafe(self._awake)

    def _awake(self) -> None:
        self._is_woken = False
