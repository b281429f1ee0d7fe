"""Errors that the user can do something about: one sentence on standard error, exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import click

from peertape.cassettes.errors import CassetteError
from peertape.config.patterns import PatternError
from peertape.config.settings import SettingsError

WRONG_USAGE = 2


class Trouble(click.ClickException):
    exit_code = WRONG_USAGE


class Breakdown(click.ClickException):
    """What nobody did wrong; exit code 1."""


def explained[**P, R](command: Callable[P, R]) -> Callable[P, R]:
    """Shows peertape's own errors as a sentence; anything else is a defect and keeps its traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (CassetteError, SettingsError, PatternError) as error:
            raise Trouble(str(error)) from error

    return run
