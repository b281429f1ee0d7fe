"""What was measured, as a file: parts that are measured again replace the older ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.comparing import Verdict
from benchmarks.machine import Machine
from benchmarks.measured import Effort, Measured
from benchmarks.sorts import Sort

FORMAT = 4  # of the file


class ResultsError(Exception):
    """A file that cannot be read as results; its text is a sentence for the user."""


@dataclass(slots=True)
class PartResult:
    """`busy`: the load average before it began, which is that of other programs; `when`: ISO 8601.

    `sorts`: what each sort of answer takes within this process.
    """

    name: str
    title: str
    when: str
    busy: float
    standard: str
    effort: Effort
    measured: list[Measured] = field(default_factory=list)
    sorts: list[Sort] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    @classmethod
    def read(cls, told: dict[str, Any]) -> PartResult:
        return cls(
            **{
                **told,
                "effort": Effort(**told["effort"]),
                "measured": [Measured.read(one) for one in told["measured"]],
                "sorts": [Sort(**one) for one in told.get("sorts", ())],
                "verdicts": [Verdict(**one) for one in told["verdicts"]],
            }
        )


@dataclass(slots=True)
class Results:
    machine: Machine
    parts: list[PartResult] = field(default_factory=list)

    def add(self, part: PartResult) -> None:
        """In place of an older one of that name, else at the end."""
        names = [known.name for known in self.parts]
        if part.name in names:
            self.parts[names.index(part.name)] = part
        else:
            self.parts.append(part)

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.part")
        temporary.write_text(json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n", "utf-8")
        temporary.replace(path)

    @classmethod
    def read(cls, path: Path) -> Results:
        told = json.loads(path.read_text("utf-8"))
        if told.get("format") != FORMAT:
            raise ResultsError(f"{path} was written by another version of the benchmarks; measure anew.")
        return cls(Machine(**told["machine"]), [PartResult.read(part) for part in told["parts"]])


def results_for(machine: Machine, path: Path | None) -> Results:
    """Those of an earlier run on this machine, or none yet: parts are not mixed with those of another one."""
    if path is None or not path.is_file():
        return Results(machine)
    try:
        known = Results.read(path)
    except ResultsError:
        return Results(machine)
    return known if known.machine == machine else Results(machine)


def missed(parts: Sequence[PartResult]) -> list[Verdict]:
    return [verdict for part in parts for verdict in part.verdicts if verdict.held is False]
