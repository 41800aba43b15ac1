"""Dockerfile and compose.yaml, as far as they can be checked without a container engine."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from retrigger.cli import command
from retrigger.settings import Settings
from retrigger.stopping import BEYOND

ROOT = Path(__file__).parents[2]
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "validator",
    [["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"], ["hadolint", "Dockerfile"]],
    ids=["compose", "Dockerfile"],
)
def test_the_validators_find_nothing(validator: list[str]) -> None:
    done = subprocess.run([BIN / validator[0], *validator[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", OURS)
def test_each_service_runs_a_command_that_there_is(name: str) -> None:
    asked = CliRunner().invoke(command, [*OURS[name]["command"], "--help"])
    assert asked.exit_code == 0, asked.output


@pytest.mark.parametrize("name", OURS)
def test_a_clean_stop_has_time_to_end(name: str) -> None:
    grace = Settings.model_fields["stop_grace"].default
    assert float(OURS[name]["stop_grace_period"].removesuffix("s")) > grace + BEYOND


def test_there_are_three_workers_a_bot_and_an_api_and_migrations_run_before_them() -> None:
    assert SERVICES["worker"]["deploy"]["replicas"] == 3
    for name in ("worker", "bot", "api"):
        assert SERVICES[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_postgresql_counts_as_healthy_only_once_it_can_be_reached_from_outside() -> None:
    """While the image makes the first database, a server of its own answers, by the socket alone, and goes again."""
    test = SERVICES["postgres"]["healthcheck"]["test"]
    assert "--host" in test and test[test.index("--host") + 1] == "127.0.0.1"


def test_the_password_is_in_no_file() -> None:
    assert SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${POSTGRES_PASSWORD:?")
    assert OURS["worker"]["environment"]["PGPASSWORD"].startswith("${POSTGRES_PASSWORD:?")
    assert OURS["worker"]["environment"]["RETRIGGER_DATABASE_URL"] == "postgresql://retrigger@postgres/retrigger"


def test_the_image_has_the_packages_of_the_wheel_and_nobody_is_root() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    copied = re.findall(r"^COPY (\w+)/ \1/$", DOCKERFILE, re.MULTILINE)
    assert copied == wheel["packages"]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{package}" for package in copied} <= set(ignored)
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*$", last, re.MULTILINE)
