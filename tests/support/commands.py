"""`peertape cassette ...` in process, and the one sentence that it says when something is wrong."""

from __future__ import annotations

from click.testing import CliRunner, Result

from peertape.proxy.cli.root import cli


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(cli, ["cassette", *map(str, arguments)], env=environment)


def one_sentence(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert result.stderr.endswith(".\n")
    return result.stderr.removeprefix("Error: ")
