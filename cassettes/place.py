"""What a cassette's place has to be able to do.

Everything in which the engines differ stands behind `Place`: opening, the lock of the one writer, noticing what others
write, and the sentences for what goes wrong. What is read and written is the same SQLAlchemy Core on each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Self

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from peertape.cassettes import errors


class Place(ABC):
    """One place; `str()` of it is what people are shown, and holds no password."""

    driver_errors: ClassVar[tuple[type[Exception], ...]] = ()  # of the driver, where it is used past SQLAlchemy

    @property
    @abstractmethod
    def name(self) -> str:
        """Short, for lists and headers."""

    @abstractmethod
    def exists(self) -> bool:
        """Whether something is there, a cassette or not."""

    @abstractmethod
    def check(self) -> int:
        """The version of the cassette; raises if there is none, or it is damaged or too new."""

    @abstractmethod
    def open_reader(self) -> Engine:
        """An engine that can only read, with several connections."""

    @abstractmethod
    def open_writer(self) -> Engine:
        """An engine for the one writer: creates the cassette if there is none, and brings an older one up to date."""

    @abstractmethod
    def close_writer(self, engine: Engine) -> None:
        """Ends what `open_writer` began, and disposes of the engine."""

    @abstractmethod
    def changes(self, engine: Engine) -> Callable[[], int]:
        """Tells a number that differs whenever anybody else has written; cheap, as it is asked before most lookups."""

    @abstractmethod
    def sentence_for(self, cause: BaseException) -> errors.CassetteError:
        """What the driver or the system said, as a sentence for the user."""

    @abstractmethod
    def remove(self) -> None:
        """The cassette goes away with all that belongs to it."""

    @abstractmethod
    def octets(self) -> int:
        """What it takes on the disk."""

    @abstractmethod
    def files(self) -> Sequence[Path]:
        """The files that hold it, as far as they are ours to read."""

    @abstractmethod
    def beside(self) -> Self:
        """A new place beside this one, for what shall replace it."""

    @abstractmethod
    def replace_with(self, other: Self) -> None:
        """The cassette at `other` takes the place of the one here."""

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turns what the driver or the system says into an error with a sentence for the user."""
        caught: tuple[type[Exception], ...] = (DBAPIError, OSError, *self.driver_errors)
        try:
            yield
        except caught as error:
            cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
            raise self.sentence_for(cause) from error
