"""What a step answers: an error document, a text, a JSON value, or nothing but a status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from peertape.proxy.engine.model import Answer
from peertape.proxy.engine.twin.errors import ContractError
from peertape.proxy.engine.twin.expressions import Evaluator, Expression, Template
from peertape.proxy.engine.twin.values import without_absent

if TYPE_CHECKING:
    from peertape.proxy.engine.twin.case import Case

WORDS = frozenset(
    {
        "status",
        "detail",
        "code",
        "title",
        "data",
        "docs",
        "headers",
        "text",
        "type",
        "json",
        "empty",
        "instance",
        "etag",
    }
)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    detail: Template | None = None
    code: str | None = None
    title: str | None = None
    data: Mapping[str, Expression] = field(default_factory=dict)
    with_docs: bool = True
    with_instance: bool = False
    headers: tuple[tuple[str, Template], ...] = ()
    text: Template | None = None
    json: Expression | None = None
    empty: bool = False
    type: str | None = None
    etag: bool = True

    def answer(self, case: Case) -> Answer:
        headers = tuple((name, value.filled(case.evaluator)) for name, value in self.headers)
        answers, request, now = case.answers, case.request, case.now
        more: dict[str, Any] = {"headers": headers} | ({"type": self.type} if self.type else {})
        if self.empty:
            return answers.empty(request, now, self.status, **more)
        if self.text is not None:
            return answers.text(request, now, self.status, self.text.filled(case.evaluator), **more)
        if self.json is not None:
            return answers.json(request, now, self.status, _plain(case.evaluator, self.json), etag=self.etag, **more)
        return answers.problem(
            request,
            now,
            self.status,
            self.detail.filled(case.evaluator) if self.detail else None,
            code=self.code,
            title=self.title,
            docs=case.docs if self.with_docs else None,
            data={name: _plain(case.evaluator, value) for name, value in self.data.items()},
            instance=request.target if self.with_instance else None,
            headers=headers,
        )


def reply(item: Mapping[str, Any], default: int = 400, detail: str | None = None) -> Reply:
    """From the words of a step; `detail` is the text where it gives none."""
    body = [word for word in ("text", "json", "empty") if word in item]
    if len(body) > 1 or (body and "detail" in item):
        raise ContractError(f"an answer has one body: {item!r}")
    detail = item.get("detail", None if body else detail)
    return Reply(
        status=int(item.get("status", default)),
        detail=Template.of(str(detail)) if detail is not None else None,
        code=item.get("code"),
        title=item.get("title"),
        data={name: Expression.of(value) for name, value in item.get("data", {}).items()},
        with_docs=item.get("docs", True),
        with_instance=item.get("instance", False),
        headers=tuple((name, Template.of(str(text))) for name, text in item.get("headers", {}).items()),
        text=Template.of(str(item["text"])) if "text" in item else None,
        json=Expression.of(item["json"]) if "json" in item else None,
        empty=bool(item.get("empty", False)),
        type=item.get("type"),
        etag=bool(item.get("etag", True)),
    )


def _plain(evaluator: Evaluator, expression: Expression) -> Any:
    return without_absent(evaluator.value(expression))
