"""Steps about what stands around a route's own checks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.proxy.engine.twin.errors import ContractError
from tests.proxy.engine.twin.conftest import Judge

Judging = Callable[..., Judge]
PATH = "/api/v1/x"


def judge(judging: Judging, *steps: dict[str, Any]) -> Judge:
    return judging(routes={f"POST {PATH}": {"docs": "doX", "steps": list(steps)}})


def test_a_form_that_is_cut(judging: Judging) -> None:
    form = (("Content-Type", "multipart/form-data; boundary=b"), ("Content-Length", "3"))
    one = judge(judging, {"form": ["image"]}, {"refuse": "True", "detail": "later"})
    answer = one.answer("POST", PATH, headers=form, body=b"abc")
    document = json.loads(read(answer.body))
    assert (answer.status, document["code"], document["detail"]) == (500, "Error", "Unexpected end of form")
    assert document["docs"].endswith("#operation/doX")
    assert json.loads(read(one.answer("POST", PATH).body))["detail"] == "later"


def test_a_file_in_any_field(judging: Judging) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nx\r\n--b--\r\n'
    form = (("Content-Type", "multipart/form-data; boundary=b"), ("Content-Length", str(len(body))))
    assert judge(judging, {"form": "any"}).verdict("POST", PATH, headers=form, body=body).answer is None
    refused = judge(judging, {"form": ["image"]}).answer("POST", PATH, headers=form, body=body)
    assert json.loads(read(refused.body))["code"] == "MulterError"


@pytest.mark.parametrize(
    ("status", "control"),
    [
        (400, "max-age=900"),
        (401, "max-age=900"),
        (403, "no-cache, no-store, must-revalidate"),
        (404, "no-cache, no-store, must-revalidate"),
    ],
)
def test_what_the_route_cache_says(judging: Judging, status: int, control: str) -> None:
    answer = judge(judging, {"cached": 900}, {"refuse": "True", "status": status, "detail": "No"}).answer("POST", PATH)
    assert answer.headers.pairs[-2:][0] == ("cache-control", control)
    assert answer.headers.pairs[-1][0] == "Date"


def test_before_the_route_cache_nothing_is_said(judging: Judging) -> None:
    answer = judge(judging, {"refuse": "True", "detail": "No"}, {"cached": 900}).answer("POST", PATH)
    assert "cache-control" not in answer.headers


def test_an_answer_past_express_has_no_etag(judging: Judging) -> None:
    answer = judge(judging, {"refuse": "True", "json": "{'a': 1}", "etag": False}).answer("POST", PATH)
    assert "ETag" not in answer.headers
    assert read(answer.body) == b'{"a":1}'


def test_a_step_has_only_its_own_words(judging: Judging) -> None:
    with pytest.raises(ContractError):
        judge(judging, {"cached": 900, "status": 400})
