"""Every option of the command line, from there, from `PEERTAPE_...`, or from `peertape.yaml`; in that order."""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from peertape.config.faults import fault, latency
from peertape.config.patterns import PatternError, pattern
from peertape.config.secrets import RedactRule
from peertape.config.state import address as state_address
from peertape.config.trust import networks

FILE = "peertape.yaml"
CONFDIR = "~/.mitmproxy"  # mitmproxy's own
SIZE = re.compile(r"(\d+)\s*([kKmMgG]?)(?:i?[bB])?")
NAMED_DELAYS = {"recorded": 1.0, "none": 0.0}
LARGEST_FACTOR = 1e6
MOST_WORKERS = 256
FACTORS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
SOURCES = ("recorded", "derived", "emulated", "fault", "live", "miss")


class SettingsError(ValueError):
    """An option that cannot be used; its text is a sentence for the user."""


def _several(value: Any) -> Any:
    """A list may be written as one text, separated by commas, as environment variables need it."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _octets(value: Any) -> Any:
    """`200M` and the like."""
    if not isinstance(value, str):
        return value
    if not (found := SIZE.fullmatch(value.strip())):
        raise ValueError(f"{value!r} is no size; write for example 200M")
    return int(found[1]) * FACTORS[found[2].lower()]


def _limits(value: Any) -> Any:
    """YAML takes a bare `off` for a truth value."""
    return "off" if value is False else value


def _workers(value: Any) -> Any:
    """`auto` is one for each core that this process may use."""
    if isinstance(value, str) and value.strip().lower() == "auto":
        return min(
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, MOST_WORKERS
        )
    number = str(value).strip()
    if not (number.isascii() and number.isdecimal() and 1 <= int(number) <= MOST_WORKERS):
        raise ValueError(f"{value!r} is no number of workers; write 1 to {MOST_WORKERS}, or auto: one for each core")
    return int(number)


Several = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_several)]


def _octets_or_off(value: Any) -> Any:
    """None for `off`, which YAML takes for a truth value."""
    is_off = value is False or (isinstance(value, str) and value.strip().lower() == "off")
    return None if is_off else _octets(value)


OctetsOrOff = Annotated[int | None, BeforeValidator(_octets_or_off)]
Octets = Annotated[int, BeforeValidator(_octets)]


class MatchIgnore(BaseModel):
    """On requests of `route` (all, if absent), one of these does not tell requests apart."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    route: str | None = None
    query: str | None = None
    header: str | None = None
    json_: str | None = Field(default=None, alias="json")

    @field_validator("route")
    @classmethod
    def _is_pattern(cls, value: str | None) -> str | None:
        if value is not None:
            pattern(value)
        return value


class Match(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    ignore: tuple[MatchIgnore, ...] = ()


class Settings(BaseSettings):
    """The comments in `peertape.yaml` explain each; the names are those of the command line."""

    model_config = SettingsConfigDict(env_prefix="PEERTAPE_", extra="forbid", frozen=True, env_ignore_empty=True)

    listen: str = "127.0.0.1:8990"
    forward: str | None = None
    allow_host: Several = ()
    alias: Several = ()
    tls: bool = False
    workers: Annotated[int, BeforeValidator(_workers)] = 1
    tls_host: Several = ()
    confdir: str = CONFDIR
    cassette: str = "peertape.cassette"
    cassettes: Several = ()
    upstream: str | None = None
    public_url: str | None = None
    record_mode: Literal["none", "once", "new_episodes", "all", "rewrite"] = "all"
    only: Several = ()
    skip: Several = ()
    max_response_body: Octets | None = None
    max_request_body: OctetsOrOff = 10 << 20
    pace: float | None = Field(default=None, gt=0)
    limits: Annotated[str, BeforeValidator(_limits)] = "peertube"
    trust_proxy: Several = ("loopback",)
    peertube: str | None = None
    on_miss: Literal["emulate", "error"] = "emulate"
    repeat: Literal["sequence", "last", "first"] = "sequence"
    latency: str = "none"
    message_delay: str = "recorded"
    fault: Several = ()
    seed: int | None = Field(default=None, ge=0)
    strict: Several | None = None
    journal: Path | None = None
    state: str | None = None
    prepared: OctetsOrOff = 128 << 20
    upstream_timeout: float = Field(default=5.0, gt=0)
    token: str | None = None
    upstream_ca: Path | None = None
    insecure: bool = False
    match: Match = Match()
    redact: tuple[RedactRule, ...] = ()

    @field_validator("only", "skip")
    @classmethod
    def _are_patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            pattern(text)
        return value

    @field_validator("fault")
    @classmethod
    def _are_faults(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            fault(text)
        return value

    @field_validator("latency")
    @classmethod
    def _is_latency(cls, value: str) -> str:
        latency(value)
        return value

    @field_validator("allow_host", "alias", "tls_host")
    @classmethod
    def _are_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Bare: an IPv6 address has no brackets."""
        names = tuple(text.removeprefix("[").removesuffix("]") for text in value)
        for text, name in zip(value, names, strict=True):
            if not _is_reachable(f"//[{name}]" if ":" in name else f"//{name}"):
                raise ValueError(f"{text!r} is no host; write for example files.peertube.example, without a port")
        return names

    @field_validator("message_delay")
    @classmethod
    def _is_message_delay(cls, value: str) -> str:
        message_scale(value)
        return value

    @field_validator("trust_proxy")
    @classmethod
    def _are_proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        networks(value)
        return value

    @field_validator("listen", "forward")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None:
            address(value)
        return value

    @field_validator("upstream", "public_url")
    @classmethod
    def _is_origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not re.fullmatch(r"https?://[^/?#\s@]+/?", value, re.IGNORECASE):
            raise ValueError(f"{value!r} is no address of an instance; write for example https://peertube.example")
        if not _is_reachable(value):
            raise ValueError(f"{value!r} is no address of an instance: there can be no such host or port")
        return value.rstrip("/")

    @field_validator("upstream_ca")
    @classmethod
    def _has_authorities(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(value)
            except ssl.SSLError as error:
                raise ValueError(f"{value} holds no certificate in PEM") from error
            except OSError as error:
                raise ValueError(f"{value} cannot be read: {error.strerror}") from error
        return value

    @field_validator("state")
    @classmethod
    def _is_place(cls, value: str | None) -> str | None:
        if value is not None:
            state_address(value)
        return value

    @field_validator("strict")
    @classmethod
    def _are_sources(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for text in value or ():
            if text not in SOURCES:
                raise ValueError(f"{text!r} is no source; sources are {', '.join(SOURCES)}")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic-settings' signature)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        path = Path(os.environ.get("PEERTAPE_CONFIG", FILE))
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls, yaml_file=path)


def _is_reachable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
        if ":" in name:
            return bool(ipaddress.IPv6Address(name)) and port != 0
        labels = name.encode("idna").decode("ascii").removesuffix(".").split(".")
    except ValueError:
        return False
    return port != 0 and all(re.fullmatch(r"[A-Za-z0-9_-]{1,63}", label) for label in labels)


def load(given: dict[str, Any]) -> Settings:
    """The settings with what the command line gave; raises SettingsError."""
    try:
        return Settings(**{name: value for name, value in given.items() if value not in (None, ())})
    except ValidationError as error:
        raise SettingsError("; ".join(_sentence(item) for item in error.errors())) from error
    except (PatternError, OSError, ValueError) as error:
        raise SettingsError(str(error)) from error
    except (AttributeError, TypeError) as error:  # pydantic-settings takes it for a mapping of names
        raise SettingsError(f"{FILE} must hold options, for example `listen: 127.0.0.1:8990`.") from error
    except Exception as error:
        if type(error).__module__.startswith("yaml"):
            raise SettingsError(f"{FILE} is not valid YAML: {' '.join(str(error).split())}") from error
        raise


def _sentence(item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"there is no option {where!r}"
    return f"{where.replace('_', '-')}: {item['msg'].removeprefix('Value error, ')}"


def message_scale(text: str) -> float:
    """By which the recorded delays of sockets' messages are multiplied: of `recorded`, `none`, or a factor."""
    if text in NAMED_DELAYS:
        return NAMED_DELAYS[text]
    try:
        factor = float(text)
    except ValueError:
        factor = -1.0
    if not 0 <= factor <= LARGEST_FACTOR:
        raise ValueError(f"{text!r} is no delay of messages; write recorded, none, or a factor, for example 0.5")
    return factor


def address(text: str) -> tuple[str, int]:
    """HOST:PORT; the host may be an IPv6 address in brackets."""
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdecimal()) or int(port) > 65535 or not host:
        raise ValueError(f"{text!r} is no address to listen at; write for example 127.0.0.1:8990")
    return host.removeprefix("[").removesuffix("]"), int(port)
