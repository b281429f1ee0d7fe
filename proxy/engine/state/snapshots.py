"""What sessions remember, as octets and back. Only values come back: nothing that is read there is ever called.

Written with pickle, whose references to outside stand for what every worker has of its own: cassettes, contracts,
PeerTube's facts. Read with a list of what may be made: data classes and enumerations of the engine and of what it
stands on.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Any

from peertape.cassettes.store import Cassette
from peertape.config import limits as rates
from peertape.config.faults import Fault, fault
from peertape.config.limits import Bucket, Limits
from peertape.proxy.engine.faults.active import Active
from peertape.proxy.engine.journal import Entry
from peertape.proxy.engine.state.interface import StateLostError
from peertape.proxy.engine.twin.contract import Book, Contract
from peertape.proxy.engine.twin.facts import Told
from peertape.proxy.engine.twin.given import Unread
from peertape.proxy.engine.twin.values import ABSENT

OURS = ("peertape.proxy.engine.", "peertape.config.")
OTHERS = {("collections", "OrderedDict"), ("collections", "Counter"), ("builtins", "set"), ("builtins", "frozenset")}
CLASSES = (Active, Entry, Told)  # of ours, that are no data classes


class Snapshots:
    """`book` is asked for its contracts when the first of them comes back."""

    def __init__(self, cassettes: Sequence[Cassette], book: Callable[[], Book]) -> None:
        self._cassettes = {cassette.name: cassette for cassette in cassettes}
        self._book = book

    def write(self, value: object) -> bytes:
        buffer = io.BytesIO()
        _Writer(buffer, pickle.HIGHEST_PROTOCOL).dump(value)
        return buffer.getvalue()

    def read(self, data: bytes) -> Any:
        try:
            return _Reader(io.BytesIO(data), self._found).load()
        except StateLostError:
            raise
        except Exception as error:  # whatever octets that are no snapshot make of pickle
            raise StateLostError(
                f"The shared state cannot be read ({error}): it was written by another program or version. "
                "Another prefix begins anew."
            ) from error

    @cached_property
    def _contracts(self) -> Mapping[str, Contract]:
        return {contract.name: contract for contract in self._book().contracts}

    def _found(self, reference: tuple[Any, ...]) -> Any:
        match reference:
            case ("cassette", name):
                if name not in self._cassettes:
                    raise StateLostError(
                        f"The shared state speaks of a cassette {name!r}, which was not opened here: "
                        "all who share a state play the same cassettes. Another prefix begins anew."
                    )
                return self._cassettes[name]
            case ("contract", name):
                return self._contracts[name]
            case ("limits", name, version, buckets):
                made = {title: Bucket(window=w, max=m, skip_failed=s) for title, (w, m, s) in buckets.items()}
                return replace(rates.load(version), name=name, buckets=made)
            case ("fault", text):
                return fault(text)
            case ("unread", members):
                return Unread(members)
            case ("absent",):
                return ABSENT
        raise pickle.UnpicklingError(f"no such reference: {reference!r}")


class _Writer(pickle.Pickler):
    def persistent_id(self, value: Any) -> tuple[Any, ...] | None:
        match value:
            case Cassette():
                return "cassette", value.name
            case Contract():
                return "contract", value.name
            case Limits():
                buckets = {title: (b.window, b.max, b.skip_failed) for title, b in value.buckets.items()}
                return "limits", value.name, value.version, buckets
            case Fault():
                return "fault", str(value)
            case Unread():
                return "unread", dict(dict.items(value))
            case _:
                return ("absent",) if value is ABSENT else None


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, found: Callable[[tuple[Any, ...]], Any]) -> None:
        super().__init__(file)
        self._found = found

    def find_class(self, module: str, name: str) -> Any:
        found = None
        if (module, name) in OTHERS or module.startswith(OURS):
            found = super().find_class(module, name)
        is_value = isinstance(found, type) and (is_dataclass(found) or issubclass(found, (Enum, *CLASSES)))
        if not is_value and (module, name) not in OTHERS:
            raise pickle.UnpicklingError(f"{module}.{name} is no value")
        return found

    def persistent_load(self, reference: Any) -> Any:
        return self._found(reference)
