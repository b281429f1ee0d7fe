"""What is late is made once, by the first request that is for it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from peertape.cassettes.headers import Headers
from peertape.config import routers
from peertape.proxy.engine.chain import Engine, Rest, Stage
from peertape.proxy.engine.late import Late
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.stages.late import LateStage
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.late import LateTwin
from tests.proxy.engine.conftest import request

THREADS = 4


class Fixed:
    def __init__(self, status: int) -> None:
        self._status = status

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:  # noqa: ARG002
        return Answer(self._status, Headers())


def test_a_stage_is_made_by_the_first_request_that_is_for_it() -> None:
    made: list[Stage] = []

    def make() -> Stage:
        made.append(Fixed(201))
        return made[-1]

    engine = Engine([LateStage(lambda request: request.method == "POST", make), Fixed(404)])

    def ask(method: str) -> int:
        return engine.answer(request(method, "/"), Session("default")).status

    assert (ask("GET"), made) == (404, [])
    assert (ask("POST"), ask("POST"), ask("GET")) == (201, 201, 404)
    assert len(made) == 1


def test_threads_that_need_it_at_once_have_the_same() -> None:
    twin = LateTwin(Shelf([]), "6.3", Answers(routers.load("6.3"), "6.3"))
    assert len({id(made) for made in at_once(twin)}) == 1


def test_what_could_not_be_made_is_tried_anew() -> None:
    tries: list[int] = []

    def make() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("not now")
        return len(tries)

    late = Late(make)
    with pytest.raises(OSError, match="not now"):
        late()
    assert (late(), late()) == (2, 2)


def at_once[T](make: Callable[[], T]) -> list[T]:
    together = Barrier(THREADS)

    def run(_: int) -> T:
        together.wait()
        return make()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))
