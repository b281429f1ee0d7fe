"""The expressions of the rules: a small part of Python's syntax, in which a request's absent member is None and a fact
that nothing recorded told raises `Undecided`.
"""

from __future__ import annotations

import ast
import keyword
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from simpleeval import EvalWithCompoundTypes, InvalidExpression

from peertape.proxy.engine.twin.errors import ContractError
from peertape.proxy.engine.twin.facts import Entity, Told
from peertape.proxy.engine.twin.undecided import Undecided
from peertape.proxy.engine.twin.values import ABSENT, text_of

logger = logging.getLogger(__name__)

Functions = Mapping[str, Callable[..., Any]]


# A member that is called as one of Python's keywords: config.import
_KEYWORD_MEMBER = re.compile(rf"(?<=\w)\.({'|'.join(keyword.kwlist)})\b")


class ExpressionError(ContractError):
    """An expression or template of the rules that cannot be read."""


@dataclass(frozen=True, slots=True)
class Expression:
    text: str
    tree: Any

    @classmethod
    def of(cls, source: Any) -> Expression:
        """`source` is a text, or a literal of YAML (true, 5)."""
        return _read(source if isinstance(source, str) else repr(source))


@cache
def _read(source: str) -> Expression:
    """The rules say many a thing more than once."""
    text = _KEYWORD_MEMBER.sub(r"['\1']", source)
    try:
        return Expression(text, ast.parse(text.strip(), mode="eval").body)
    except SyntaxError as error:
        raise ExpressionError(f"{text!r} is no expression: {error.msg}") from error


class Evaluator:
    """Evaluates in the names and functions of one case; names may be added as it goes on."""

    def __init__(self, names: dict[str, Any], functions: Functions | Language) -> None:
        self.names = names
        self._language = functions if isinstance(functions, Language) else Language(functions)

    def value(self, expression: Expression) -> Any:
        self._language.names = self.names
        try:
            return self._language.eval(expression.text, expression.tree)
        except Undecided:
            raise
        except (InvalidExpression, TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
            # A fact has another shape than the rules expect, or they name what is not bound here.
            logger.debug("not decided: %s: %s", expression.text, error)
            raise Undecided(expression.text) from error

    @property
    def functions(self) -> Functions:
        return self._language.functions  # type: ignore[no-any-return]

    def with_names(self, **names: Any) -> Evaluator:
        return Evaluator({**self.names, **names}, self._language)


class Language(EvalWithCompoundTypes):  # type: ignore[misc]
    """The functions, made ready: evaluators in different names share one. No function evaluates by it in its turn."""

    def __init__(self, functions: Functions) -> None:
        super().__init__(names={}, functions=dict(functions))
        self.nodes[ast.Attribute] = self._eval_member
        self.nodes[ast.BoolOp] = self._eval_logic

    def _check_disallowed_items(self, item: Any) -> None:
        """Names and functions are ours: nothing to look for, in however big a value."""

    def _eval_member(self, node: ast.Attribute) -> Any:
        return member(self._eval(node.value), node.attr)

    def _eval_logic(self, node: ast.BoolOp) -> Any:
        """`and` and `or`, where True or False may decide what another operand leaves open."""
        decisive, doubt, value = isinstance(node.op, ast.Or), None, None
        for operand in node.values:
            try:
                value = self._eval(operand)
            except Undecided as undecided:
                doubt = doubt or undecided
                continue
            if bool(value) is decisive and (doubt is None or isinstance(value, bool)):
                return value
        if doubt is not None:
            raise doubt
        return value

    def _eval_subscript(self, node: ast.Subscript) -> Any:
        return member(self._eval(node.value), self._eval(node.slice))


def member(value: Any, name: Any) -> Any:
    if isinstance(value, (Entity, Told)):
        return value.tell(name)
    if isinstance(value, dict):
        found = value.get(name)
        return None if found is ABSENT else found
    if isinstance(value, (list, str)) and isinstance(name, int):
        return value[name] if -len(value) <= name < len(value) else None
    return None


@dataclass(frozen=True, slots=True)
class Template:
    """A text with `{EXPRESSION}` in it."""

    parts: tuple[str | Expression, ...]

    @classmethod
    def of(cls, text: str) -> Template:
        parts: list[str | Expression] = []
        plain, at = "", 0
        while at < len(text):
            if text[at : at + 2] in ("{{", "}}"):
                plain, at = plain + text[at], at + 2
            elif text[at] == "{":
                end = text.find("}", at)
                if end < 0:
                    raise ExpressionError(f"{text!r}: an expression in braces does not end")
                parts += [plain, Expression.of(text[at + 1 : end])]
                plain, at = "", end + 1
            else:
                plain, at = plain + text[at], at + 1
        return cls((*parts, plain))

    def filled(self, evaluator: Evaluator) -> str:
        return "".join(part if isinstance(part, str) else text_of(evaluator.value(part)) for part in self.parts)
