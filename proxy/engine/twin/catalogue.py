"""The documented errors of a route: all that its contract can refuse with, and the 429 of the rate limits.

Each has a name of its own within the route, its *example*: the code that PeerTube gives it (`video_requires_password`),
else a few words of its text (`video-not-found`); `invalid-params` for refused parameters, `missing-right-...` for a
right that is lacking.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from peertape.config.limits import Limits
from peertape.proxy.engine.twin.contract import Book, Contract
from peertape.proxy.engine.twin.expressions import Template
from peertape.proxy.engine.twin.possible import Parameter, Possible, possible, spelled
from peertape.proxy.engine.twin.targets import single_slashes
from peertape.proxy.engine.twin.wire import reason

INVALID = "invalid-params"
LONGEST = 48  # octets of an example made from a text


@dataclass(frozen=True, slots=True)
class Documented:
    """`detail`: of the document, or the text, for people, with holes. `what`: None for the 429 of the limits.

    `parameters`: of `invalid-params`, those that can be refused, by name.
    """

    status: int
    example: str
    detail: str
    code: str | None = None
    what: Possible | None = None
    parameters: dict[str, Parameter] = field(default_factory=dict)

    @property
    def wish(self) -> str:
        """As a request spells it behind `Prefer:`."""
        return f"code={self.status}, example={self.example}"

    def __str__(self) -> str:
        return f"{self.status} {self.example}"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a wish picked. `parameter`: which one shall be refused; else the first."""

    documented: Documented
    parameter: str | None = None

    @property
    def example(self) -> str:
        return self.documented.example if self.parameter is None else f"{INVALID}.{self.parameter}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Of one route, in PeerTube's order; what hardly any client meets (a malformed token) comes late."""

    errors: tuple[Documented, ...] = ()

    def __iter__(self) -> Iterator[Documented]:
        return iter(self.errors)

    def pick(self, status: int | None, example: str | None) -> Choice | None:
        """The first that has the status and the name; of two with one code, the first."""
        found = [error for error in self.errors if status in (None, error.status)]
        if example is None:
            return Choice(found[0]) if found and status is not None else None
        wanted = example.casefold()
        for error in found:
            if error.example.casefold() == wanted:
                return Choice(error)
        name = wanted.removeprefix(f"{INVALID}.")
        for error in found:
            for parameter in error.parameters:
                if name != wanted and parameter.casefold() == name:
                    return Choice(error, parameter)
        return next((Choice(error) for error in found if error.code and error.code.casefold() == wanted), None)


class Catalogues:
    """Of all routes; each is made when it is first asked for. `limits`: PeerTube's own."""

    def __init__(self, book: Book, limits: Limits) -> None:
        self.book = book
        self._limits = limits
        self._made: dict[str, tuple[Documented, ...]] = {}

    def of_request(self, method: str, path: str) -> Catalogue:
        found = self.book.routes.find(method, path)
        return self._catalogue(found.route if found else None, method, path)

    def of_contract(self, contract: Contract) -> Catalogue:
        methods, _, path = contract.name.partition(" ")
        return self._catalogue(contract, methods.partition("|")[0], path)

    def _catalogue(self, contract: Contract | None, method: str, path: str) -> Catalogue:
        if contract is None:
            errors: tuple[Documented, ...] = ()
        else:
            if contract.name not in self._made:
                self._made[contract.name] = _errors(contract)
            errors = self._made[contract.name]
        if self._limits.counted(method, single_slashes(path).rstrip("/") or "/"):
            refusal = self._limits.facts.refusal
            errors = (*errors, Documented(refusal.status, slug(reason(refusal.status)), refusal.body))
        return Catalogue(errors)


@dataclass(frozen=True, slots=True)
class _Key:
    status: int
    code: str | None
    text: str


def _errors(contract: Contract) -> tuple[Documented, ...]:
    found: dict[_Key, Possible] = {}
    parameters: dict[str, Parameter] = {}
    for error in possible(contract.steps):
        if error.parameter is not None:
            parameters.setdefault(error.parameter.name, error.parameter)
        found.setdefault(_Key(error.status, error.code, _text(error)), error)
    taken: set[str] = set()
    out = []
    for key, error in found.items():
        name = next(name for name in _names(key, error) if name not in taken)
        taken.add(name)
        if error.parameter is None:
            out.append(Documented(key.status, name, key.text, key.code, error))
        else:
            detail = f"{key.text} {', '.join(parameters)}"
            out.append(Documented(key.status, name, detail, key.code, error, parameters))
    return tuple(sorted(out, key=_is_rare))


def _is_rare(error: Documented) -> bool:
    return error.example == "invalid_request" and error.detail == "Token is invalid"


def _text(error: Possible) -> str:
    if error.parameter is not None:
        return "Incorrect request parameters:"
    if error.json is not None:
        return _last_text(error.json.tree) or error.json.text
    return spelled(error.said) if error.said is not None else ""


def _names(key: _Key, error: Possible) -> Iterator[str]:
    """The best one first."""
    if error.parameter is not None:
        yield INVALID
    if error.code is not None and not error.code.endswith("Error"):  # JavaScript's own names tell nothing
        yield error.code
    if error.right is not None:
        yield f"missing-right-{slug(error.right)}"
    made = slug(_without_holes(error.said) if error.said is not None else key.text) or slug(reason(key.status))
    yield made
    number = 2
    while True:
        yield f"{made}-{number}"
        number += 1


def slug(text: str) -> str:
    """A few words of a text: `Video not found` is `video-not-found`."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"['\u2019`]", "", text.lower()))
    out = ""
    for word in words:
        longer = f"{out}-{word}" if out else word
        if len(longer) > LONGEST:
            break
        out = longer
    return out


def _without_holes(template: Template) -> str:
    return " ".join(part for part in template.parts if isinstance(part, str))


def _last_text(tree: ast.AST) -> str | None:
    """Of an object that is answered instead of a document: its message stands last."""
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return texts[-1] if texts else None


def listed(errors: Iterable[Documented], most: int = 8) -> str:
    """Shortened, for a header or a sentence."""
    names = [str(error) for error in errors]
    return ", ".join(names[:most] + ["..."] * (len(names) > most)) or "no documented errors"
