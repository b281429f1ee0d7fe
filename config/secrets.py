"""The positions of secrets: PeerTube's own, as data, and the user's `redact:` rules."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from peertape.config.yamltext import plain

Keep = Literal["nothing", "scheme", "uri"]
HeaderForm = Literal["value", "credentials", "cookies", "set-cookie"]

JSON_STEP = re.compile(
    r"""(?P<deep>\.\.)(?P<below>[^\s.\[\]'"]+)
      | \.(?P<member>[^\s.\[\]'"]+)
      | \[(?P<index>\*|\d+)\]
      | \['(?P<quoted>[^']+)'\]""",
    re.VERBOSE,
)


class SecretName(BaseModel):
    """A name under which a secret stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    guessable: bool = False
    keep: Keep = "nothing"


class SecretHeader(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    guessable: bool = False
    form: HeaderForm = "value"
    of_requests: bool = False  # in a response, the header of that name says something else


class SecretPositions(BaseModel):
    """What secrets.yaml says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    members: tuple[SecretName, ...]
    queries: tuple[SecretName, ...]
    headers: tuple[SecretHeader, ...]
    address_headers: tuple[str, ...]


class RedactRule(BaseModel):
    """One rule of the user: exactly one of header, query, json, email, ip and dumps.

    `json` is a path (`$.user.email`, `$.data[*].email`, `$..email`) or a member name, which then counts everywhere,
    in forms too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    header: str | None = None
    query: str | None = None
    json_: str | None = Field(default=None, alias="json")
    email: bool | None = None
    ip: bool | None = None
    dumps: bool | None = None  # credentials in free text, such as the requests that the server's log prints
    guessable: bool = False  # chosen by people or short: hash it slowly

    @model_validator(mode="after")
    def _one_position(self) -> Self:
        given = [self.header, self.query, self.json_, self.email, self.ip, self.dumps]
        if sum(value is not None for value in given) != 1:
            raise ValueError("a redact rule names exactly one of header, query, json, email, ip and dumps")
        for text in (self.header, self.query):
            if text is not None and not re.fullmatch(r"[^\s:=&?#]+", text):
                raise ValueError(f"{text!r} is no name of a header or of a query parameter")
        if self.json_ is not None:
            json_path(self.json_)
        return self


def json_path(text: str) -> tuple[str | int, ...]:
    """The steps of a JSON path: member names, indices, `*` for any index, and `..` before a name at any depth.

    A bare member name means that name at any depth.
    """
    if not text.startswith("$"):
        if not re.fullmatch(r"""[^\s.$\[\]'"]+""", text):
            raise ValueError(f"{text!r} is neither a member name nor a JSON path such as $.data[*].email")
        return ("..", text)
    steps: list[str | int] = []
    position = 1
    while position < len(text):
        step = JSON_STEP.match(text, position)
        if step is None:
            raise ValueError(f"the JSON path {text!r} cannot be read from {text[position:]!r} on")
        if step["deep"]:
            steps += ["..", step["below"]]
        elif step["index"]:
            steps.append("*" if step["index"] == "*" else int(step["index"]))
        else:
            steps.append(step["member"] or step["quoted"])
        position = step.end()
    if not steps:
        raise ValueError("the JSON path '$' names the whole document: name a member")
    return tuple(steps)


@cache
def secret_positions() -> SecretPositions:
    """PeerTube's own, the same for all versions."""
    text = resources.files("peertape.config.peertube").joinpath("secrets.yaml").read_text("utf-8")
    return SecretPositions.model_validate(plain(text))
