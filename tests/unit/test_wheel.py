"""What an installation brings: the names bot, engine and storage are generic, so nothing else may slip in."""

from __future__ import annotations

import configparser
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, text=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_has_our_four_packages_at_top_level_and_nothing_else(wheel):
    top = {name.split("/")[0] for name in wheel.namelist()}

    assert {name for name in top if not name.endswith(".dist-info")} == {"bot", "engine", "storage", "retrigger"}


def test_the_wheel_has_every_file_of_the_packages_that_git_knows(wheel):
    tracked = subprocess.run(
        ["git", "ls-files", "bot", "engine", "storage", "retrigger"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip

    assert set(tracked) <= set(wheel.namelist())


def test_the_wheel_brings_the_command(wheel):
    (entry_points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    parser = configparser.ConfigParser()
    parser.read_string(wheel.read(entry_points).decode())

    assert dict(parser["console_scripts"]) == {"retrigger": "retrigger.cli:main"}
