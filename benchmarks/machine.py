"""What the measurements were made on, as far as it matters to them: no host name, no path, no user."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """`memory` in octets; 0 where the system does not tell."""

    processor: str
    cores: int
    memory: int
    system: str
    python: str

    @classmethod
    def this(cls) -> Machine:
        return cls(
            processor=_told("/proc/cpuinfo", r"^model name\s*:\s*(.+)$") or platform.processor() or platform.machine(),
            cores=os.cpu_count() or 0,
            memory=int(_told("/proc/meminfo", r"^MemTotal:\s*(\d+) kB$") or 0) * 1024,
            system=f"{platform.system()} {platform.release()}",
            python=platform.python_version(),
        )

    @property
    def sentence(self) -> str:
        memory = f", {self.memory / 2**30:.0f} GiB of memory" if self.memory else ""
        return f"{self.processor}, {self.cores} cores{memory}; {self.system}; Python {self.python}"


def load_average() -> float:
    """Of the last minute: runnable processes, ours included."""
    return os.getloadavg()[0]


def _told(path: str, line: str) -> str | None:
    try:
        found = re.search(line, Path(path).read_text("utf-8"), re.MULTILINE)
    except OSError:
        return None
    return found[1].strip() if found else None
