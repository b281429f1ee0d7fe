"""The contracts of a version as data: the joined files of `peertube/VERSION/contracts/` (see `docs/rules.md`)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from peertape.config.yamltext import plain


class ContractFileError(Exception):
    """A file of the rules that is not in the format; its text says which."""


class RouteData(BaseModel):
    """One operation, or several that are alike; steps and effects as YAML has them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str = ""
    docs: str | None = None
    by_host: bool = False
    pieces: Literal["begin", "put", "cancel"] | None = None
    steps: tuple[Any, ...] = ()
    effects: tuple[Any, ...] = ()


class KindData(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    missing: str = "Not found"
    keys: tuple[str, ...] = ("id",)
    defaults: dict[str, Any] = Field(default_factory=dict)
    parts: dict[str, str] = Field(default_factory=dict)
    derive: dict[str, Any] = Field(default_factory=dict)
    single: bool = False


class Contracts(BaseModel):
    """The sections of the files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checks: dict[str, Any] = Field(default_factory=dict)
    words: dict[str, list[Any]] = Field(default_factory=dict)
    chains: dict[str, list[Any]] = Field(default_factory=dict)
    procedures: dict[str, list[Any]] = Field(default_factory=dict)
    consequences: dict[str, list[Any]] = Field(default_factory=dict)
    kinds: dict[str, KindData] = Field(default_factory=dict)
    configuration: dict[str, Any] = Field(default_factory=dict)
    routes: dict[str, RouteData] = Field(default_factory=dict)


class RoleData(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    rights: frozenset[str]


class Rights(BaseModel):
    """`rights.yaml`: the numbers of the rights, and which of them each role has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rights: dict[str, int]
    roles: dict[str, RoleData]


@cache
def contracts(version: str) -> Contracts:
    joined: dict[str, dict[str, Any]] = {}
    folder = files("peertape.config.peertube") / version / "contracts"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".yaml"):
            continue
        try:
            data = plain(file.read_text("utf-8")) or {}
            one = Contracts.model_validate(data)
        except (yaml.YAMLError, ValidationError) as error:
            raise ContractFileError(f"{version}/contracts/{file.name}: {error}") from error
        for section in one.model_fields_set:
            known = joined.setdefault(section, {})
            found = getattr(one, section)
            if twice := known.keys() & found.keys():
                raise ContractFileError(f"{version}/contracts/{file.name}: {section} {sorted(twice)} stand twice")
            known.update(found)
    return Contracts.model_construct(**{**Contracts().__dict__, **joined})


@cache
def rights(version: str) -> Rights:
    text = (files("peertape.config.peertube") / version / "rights.yaml").read_text("utf-8")
    return Rights.model_validate(plain(text))
