"""The project's own files."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from itertools import chain
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FOLDERS = ("config", "cassettes", "proxy", "addons")


def tracked() -> list[Path]:
    told = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    return [PROJECT / name for name in told.split("\0") if name and (PROJECT / name).is_file()]


def test_every_package_is_in_the_build_map() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    listed = set(project["tool"]["setuptools"]["packages"])
    there = {
        f"peertape.{'.'.join(path.parent.relative_to(PROJECT).parts)}"
        for f in FOLDERS
        for path in (PROJECT / f).rglob("__init__.py")
    }
    assert listed == there


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    pinned = {re.split(r"[=\[]", pin)[0].lower() for pin in project["tool"]["uv"]["constraint-dependencies"]}
    wanted = [*project["project"]["dependencies"], *chain(*project["dependency-groups"].values())]
    names = {re.split(r"[\[<>=; ]", text)[0].lower() for text in wanted}
    assert names <= pinned


def test_every_import_is_a_dependency() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [text for texts in project["optional-dependencies"].values() for text in texts]
    wanted = {re.split(r"[\[<>=; ]", text)[0].lower().replace("-", "_") for text in [*project["dependencies"], *extras]}
    named = {"yaml": "pyyaml"}
    imported = {
        found.partition(".")[0]
        for folder in FOLDERS
        for path in (PROJECT / folder).rglob("*.py")
        for found in re.findall(r"^\s*(?:from|import) ([\w.]+)", path.read_text("utf-8"), re.MULTILINE)
    }
    foreign = {named.get(name, name) for name in imported - sys.stdlib_module_names - {"peertape"}}
    assert foreign <= wanted


def test_no_host_of_a_registry_and_no_path_of_a_machine_is_committed() -> None:
    forbidden = re.compile(rb"pythonhosted\.|pypi\.org|registry\.npmjs|(?<!accounts)/root/|/home/[a-z]+/|/work/main")
    found = {path for path in tracked() if path != Path(__file__) and forbidden.search(path.read_bytes())}
    assert not found


def test_the_wheel_has_the_demo_and_the_facts(tmp_path: Path) -> None:
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not on the path: the tests were started in another way than the README says")
    subprocess.run([uv, "build", "--wheel", "-o", tmp_path, PROJECT], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "peertape/cassettes/demo/demo.cassette",
        "peertape/config/peertape.yaml",
        "peertape/config/peertube/secrets.yaml",
        "peertape/config/peertube/6.3/matching.yaml",
        "peertape/config/peertube/6.3/routes.yaml",
        "peertape/proxy/control/page.html",
        "peertape/proxy/cli/trust.yaml",
        "peertape/addons/recorder.py",
    } <= names
    facts = {f"peertape/{path.relative_to(PROJECT).as_posix()}" for path in (PROJECT / "config").rglob("*.yaml")}
    assert len(facts) > 40  # with the contracts
    assert facts <= names
