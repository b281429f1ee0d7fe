"""What is looked at once per turn: nobody who comes after a look is told of it."""

from __future__ import annotations

import asyncio
from itertools import count

from peertape.proxy.lanes.turns import OncePerTurn


def test_once_in_a_turn_and_anew_in_the_next() -> None:
    numbers = count()
    seen = OncePerTurn(lambda: next(numbers))

    async def look() -> list[int]:
        told = [seen(), seen()]
        await asyncio.sleep(0)
        return [*told, seen()]

    assert asyncio.run(look()) == [0, 0, 1]


def test_what_is_scheduled_after_a_look_looks_itself() -> None:
    """What is scheduled before it may share the look: it had come before."""
    numbers = count()
    seen = OncePerTurn(lambda: next(numbers))

    async def look() -> list[int]:
        loop, told = asyncio.get_running_loop(), [-1]
        loop.call_soon(lambda: told.append(seen()))
        told.append(seen())
        loop.call_soon(lambda: told.append(seen()))
        await asyncio.sleep(0)
        return told

    assert asyncio.run(look()) == [-1, 0, 0, 1]


def test_another_loop_looks_itself() -> None:
    numbers = count()
    seen = OncePerTurn(lambda: next(numbers))

    async def look() -> int:
        return seen()

    assert [asyncio.run(look()) for _ in range(2)] == [0, 1]
