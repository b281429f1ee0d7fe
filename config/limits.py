"""PeerTube's rate limits, read from `config/peertube/VERSION/limits.yaml`; or as an administrator set them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from peertape.config.durations import milliseconds
from peertape.config.facts import DEFAULT_VERSION
from peertape.config.patterns import METHODS, pattern
from peertape.config.settings import SettingsError
from peertape.config.yamltext import plain

PEERTUBE, OFF = "peertube", "off"
LARGEST = 1_000_000_000  # requests in a window
_SCALED = re.compile(rf"{PEERTUBE}\s*\*\s*(.+)")
_SECTION = "rates_limit"  # of PeerTube's own configuration file

_EXAMPLE = "api: {window: 10 seconds, max: 50}"

Duration = Annotated[int, BeforeValidator(milliseconds)]
Max = Annotated[int, Field(strict=True, ge=0, le=LARGEST)]
Scale = Annotated[float, Field(strict=True, gt=0, le=LARGEST, allow_inf_nan=False)]


class LimitsError(SettingsError):
    """Limits that cannot be read; its text is a sentence for the user."""


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bucket(_Fact):
    """`window` in milliseconds."""

    window: Duration
    max: Max
    skip_failed: bool = False


class Refusal(_Fact):
    status: int
    type: str
    body: str


class Exempt(_Fact):
    roles: frozenset[str]
    users: frozenset[str]
    runners: str


class Rule(_Fact):
    """One of `rules`; the comments in `limits.yaml` explain each member."""

    paths: tuple[str, ...]
    count: tuple[str, ...]
    method: str | None = None
    asked: Literal["activity_pub"] | None = None
    preflights: bool = False

    @field_validator("method")
    @classmethod
    def _is_method(cls, value: str | None) -> str | None:
        if value is not None and value not in METHODS:
            raise ValueError(f"{value!r} is no HTTP method")
        return value

    @cached_property
    def expression(self) -> re.Pattern[str]:
        return _any_of(self.paths)

    def applies(self, method: str, path: str, *, activity_pub: bool) -> bool:
        if method == "OPTIONS" and not self.preflights:
            return False
        if self.method is not None and method != self.method and not (method == "HEAD" and self.method == "GET"):
            return False
        if self.asked is not None and not activity_pub:
            return False
        return self.expression.fullmatch(path) is not None


class Facts(_Fact):
    """`limits.yaml`; the comments there explain each member."""

    refusal: Refusal
    exempt: Exempt
    buckets: dict[str, Bucket]
    rules: tuple[Rule, ...]
    offered: tuple[str, ...]
    activity_pub: frozenset[str]
    cached: tuple[str, ...]

    @model_validator(mode="after")
    def _names_its_buckets(self) -> Facts:
        for rule in self.rules:
            for name in rule.count:
                if name not in self.buckets:
                    raise ValueError(f"there is no bucket {name!r}")
        return self

    @cached_property
    def cached_paths(self) -> re.Pattern[str]:
        return _any_of(self.cached)


class _Wish(_Fact):
    """What an administrator sets of a bucket."""

    window: Duration | None = None
    max: Max | None = None


@dataclass(frozen=True)
class Limits:
    """`buckets` is empty where limits are off. `version`: of the rules."""

    name: str
    version: str
    facts: Facts
    buckets: Mapping[str, Bucket]

    @property
    def are_off(self) -> bool:
        return not self.buckets

    def counted(self, method: str, path: str, *, activity_pub: bool = False) -> tuple[str, ...]:
        """The buckets that a request is counted in, outermost first. `path`: without query and odd slashes."""
        return () if self.are_off else self.shown(method, path, activity_pub=activity_pub)

    def shown(self, method: str, path: str, *, activity_pub: bool = False) -> tuple[str, ...]:
        """The same, also where limits are off."""
        rules = (rule for rule in self.facts.rules if rule.applies(method, path, activity_pub=activity_pub))
        found = next(rules, None)
        return found.count if found is not None else ()

    def is_cached(self, path: str) -> bool:
        """Whether PeerTube's route cache may have answered."""
        return self.facts.cached_paths.fullmatch(path) is not None


@cache
def load(version: str = DEFAULT_VERSION) -> Limits:
    """PeerTube's own."""
    folder = files("peertape.config.peertube") / version
    facts = Facts.model_validate(plain((folder / "limits.yaml").read_text("utf-8")))
    return Limits(PEERTUBE, version, facts, facts.buckets)


def off(version: str = DEFAULT_VERSION) -> Limits:
    return replace(load(version), name=OFF, buckets={})


def scaled(limits: Limits, scale: float) -> Limits:
    """Every bucket lets so many times as many through, but at least one."""
    buckets = {
        name: bucket.model_copy(update={"max": min(LARGEST, max(1, int(bucket.max * scale))) if bucket.max else 0})
        for name, bucket in limits.buckets.items()
    }
    return replace(limits, buckets=buckets)


def named(name: str, version: str = DEFAULT_VERSION) -> Limits | None:
    """`peertube`, `off`, or `peertube*10`; None for any other name. LimitsError for a scale that is none."""
    if name == PEERTUBE:
        return load(version)
    if name == OFF:
        return off(version)
    if not (found := _SCALED.fullmatch(name)):
        return None
    try:
        scale = float(found[1])
    except ValueError:
        scale = 0.0
    if not 0 < scale <= LARGEST:
        raise LimitsError(f"{found[1]!r} is no scale of the limits; write for example {PEERTUBE}*10.")
    return replace(scaled(load(version), scale), name=name)


def custom(value: object, name: str, version: str = DEFAULT_VERSION) -> Limits:
    """As an administrator sets them: the section `rates_limit` of PeerTube's configuration, or what stands in it.

    What is not set stays PeerTube's; `scale: 10` multiplies every maximum that is not set. LimitsError with a sentence.
    """
    section = value
    if isinstance(value, Mapping) and _SECTION in value:
        section = value[_SECTION]  # the rest of PeerTube's configuration is about other things
    if not isinstance(section, Mapping):
        raise LimitsError(f"Limits are buckets, each with a window and a maximum: `{_EXAMPLE}`.")
    wishes = dict(section)
    limits = load(version)
    if "scale" in wishes:
        limits = scaled(limits, _read(_Scale, {"scale": wishes.pop("scale")}, "").scale)
    buckets = dict(limits.buckets)
    for bucket, wish in wishes.items():
        if bucket not in buckets:
            raise LimitsError(f"There is no bucket {bucket!r}; there are {', '.join(buckets)}, and `scale`.")
        if not isinstance(wish, Mapping):
            raise LimitsError(f"{bucket}: a bucket has a window and a maximum: `{_EXAMPLE}`.")
        known = _read(_Wish, wish, f"{bucket}.")
        buckets[bucket] = buckets[bucket].model_copy(update=known.model_dump(exclude_none=True))
    return replace(limits, name=name, buckets=buckets)


def chosen(text: str, version: str = DEFAULT_VERSION) -> Limits:
    """What the setting `limits` says: a name, or a YAML file. LimitsError with a sentence."""
    limits = named(text.strip(), version)
    if limits is not None:
        return limits
    path = Path(text)
    try:
        value = plain(path.read_text("utf-8"))
    except FileNotFoundError as error:
        names = f"{PEERTUBE}, {PEERTUBE}*10, {OFF}, or a file"
        raise LimitsError(f"limits: there is no file {text!r}; write {names}.") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise LimitsError(f"limits: {path} cannot be read: {reason}.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a number or a date that is none
        raise LimitsError(f"limits: {path} is not valid YAML: {' '.join(str(error).split())}") from error
    try:
        return custom(value, path.name, version)
    except LimitsError as error:
        raise LimitsError(f"limits: {path}: {error}") from error


class _Scale(_Fact):
    scale: Scale


def _read[M: BaseModel](kind: type[M], value: Mapping[Any, Any], where: str) -> M:
    try:
        return kind.model_validate(dict(value))
    except ValidationError as error:
        first = error.errors()[0]
        member = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise LimitsError(f"{where}{member}: a bucket has `window` and `max`.") from error
        raise LimitsError(f"{where}{member}: {first['msg'].removeprefix('Value error, ')}.") from error


def _any_of(globs: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern(glob).expression})" for glob in globs), re.IGNORECASE)
