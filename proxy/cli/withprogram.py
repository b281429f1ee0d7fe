"""A command behind whose `--` the user's own command stands."""

from __future__ import annotations

import click

PROGRAM = "peertape.program"  # key of the context's meta


class WithProgram(click.Command):
    """click takes what stands behind `--` for more arguments; here it is kept apart."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta[PROGRAM] = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)

    @staticmethod
    def program(ctx: click.Context) -> tuple[str, ...]:
        program: tuple[str, ...] = ctx.meta.get(PROGRAM, ())
        return program
