"""The references in docs/ cannot go stale: they are compared with the code, key by key."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from engine import limits
from engine.definition import (
    ActionSpec,
    ApprovalSpec,
    CallbackSpec,
    DelaySpec,
    EndSpec,
    Expect,
    FunctionSpec,
    Retry,
    SyncSpec,
    Workflow,
    load,
)
from engine.definition.fields import names
from engine.definition.nodes import NODE_KINDS
from engine.definition.source import MAX_DEPTH
from engine.logs.json_line import LIBRARY
from engine.nodes.action import _ERROR_CHARS
from engine.nodes.connections import Auth, ConnectionSettings
from engine.rules.permissions import Permission
from engine.templates import sandbox
from engine.templates.context import ROOTS
from retrigger.cli import command
from retrigger.cli.group import FAILED, INTERRUPTED, NOT_FOUND, REFUSED
from retrigger.settings import ApiSettings, AppSettings, FileSettings, GrantSettings
from retrigger.settings_file import VARIABLES
from tests.support.docs import ROOT, blocks, command_lines, links, problem_of_command, rows, words
from tests.support.log_lines import ROOMS, logged_lines
from tests.unit.engine.definition.samples import ONBOARDING

PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
OPERATING = (ROOT / "docs" / "operating.md").read_text("utf-8")
WORKFLOWS = (ROOT / "docs" / "workflows.md").read_text("utf-8")
PARTS: dict[str, tuple[str, type[BaseModel]]] = {
    "connections": ("connections.NAME", ConnectionSettings),
    "connections.NAME.auth": ("connections.NAME.auth", Auth),
    "apps": ("apps.NAME", AppSettings),
    "grants": ("grants[]", GrantSettings),
    "api": ("api", ApiSettings),
}


def settings_keys(model: type[BaseModel] = FileSettings, before: str = "") -> Iterator[tuple[str, str]]:
    """Every key that can be written, with its default as the table has it."""
    for name, field in model.model_fields.items():
        key = f"{before}{name}"
        if key in PARTS:
            inner, part = PARTS[key]
            yield from settings_keys(part, f"{inner}.")
        else:
            yield key, "required" if field.is_required() else default(field.default, name)


def default(value: object, name: str) -> str:
    if isinstance(value, float) and name != "backoff":
        return f"`{value:g}s`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "–" if value in (None, (), {}, "") else f"`{f'{value:g}' if isinstance(value, float) else value}`"


def table(text: str, heading: str) -> dict[str, str]:
    """The second column by the first one's word."""
    return {words(row[0])[0]: row[1] for row in rows(text, heading)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_place_exists(page: Path):
    text = page.read_text("utf-8")
    places = {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}

    assert [link for link in links(text) if not (page.parent / link).exists()] == []
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= places


def slug(heading: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_can_be_typed(page: Path):
    lines = command_lines(page.read_text("utf-8"))

    assert [problem for line in lines if (problem := problem_of_command(line))] == []


@pytest.mark.parametrize("line", ["retrigger nope", "retrigger list --bad", "retrigger show REQ-1 2", "retrigger --as"])
def test_commands_that_cannot_be_typed_are_found(line: str):
    assert problem_of_command(line)


def test_every_setting_is_told_with_its_default():
    assert list(table(OPERATING, "## Settings").items()) == list(settings_keys())


def test_every_environment_variable_is_told():
    told = set(table(OPERATING, "## Environment variables"))

    read = re.compile(r"\"((?:SLACK|RETRIGGER)_[A-Z_]+)\"")
    sources = [file for room in ("bot", "engine", "storage", "retrigger") for file in (ROOT / room).rglob("*.py")]
    assert told == {*VARIABLES, *(name for file in sources for name in read.findall(file.read_text("utf-8")))}


def test_every_command_is_told():
    told = {name for row in rows(OPERATING, "## Commands") for line in words(row[0]) for name in [named(line)]}

    assert told == set(leaves(command))


def leaves(group: click.Group, before: str = "") -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        each = group.get_command(context, name)
        if isinstance(each, click.Group):
            yield from leaves(each, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def named(line: str) -> str:
    """The command in a line such as `retrigger workflow check FILE`."""
    first, *rest = line.split()[1:]
    each = command.get_command(click.Context(command), first)
    return f"{first} {rest[0]}" if isinstance(each, click.Group) else first


def test_every_log_line_is_told_with_its_fields():
    """In the operators' table each line of the code has its event, and each field that it gives by name; no line has
    another form, such as a sentence with the values in it."""
    told: dict[str, set[str]] = {}
    for row in rows(OPERATING, "### Log events"):
        told |= {event: set(words(row[1])) for event in words(row[0])}
    lines = list(logged_lines())

    assert [line.place for line in lines if line.event is None] == []
    assert set(told) == {line.event for line in lines} | {LIBRARY}
    assert [line for line in lines if not line.fields <= told[line.event or ""]] == []
    assert set().union(*told.values()) == set().union(*(line.fields for line in lines))


def test_every_line_of_a_log_is_one_of_ours():
    """Python's own loggers are for libraries, and for asking whether a level is on."""
    own = re.compile(r"^\s*log = logging\.", re.MULTILINE)
    sources = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    assert [file for file in sources if own.search(file.read_text("utf-8"))] == []


def test_every_exit_code_is_told():
    told = [int(code) for code in table(OPERATING, "### Exit codes")]

    assert told == [0, FAILED, click.UsageError.exit_code, REFUSED, NOT_FOUND, INTERRUPTED]


def test_every_permission_is_told():
    assert list(table(OPERATING, "## Permissions")) == [permission.value for permission in Permission]


@pytest.mark.parametrize(
    ("heading", "model"),
    [("### action", ActionSpec), ("`expect`:", Expect), ("`retry`:", Retry), ("### function", FunctionSpec),
     ("### sync", SyncSpec), ("### approval", ApprovalSpec), ("### delay", DelaySpec), ("### callback", CallbackSpec),
     ("### end", EndSpec), ("## The file", Workflow)],
)  # fmt: skip
def test_every_key_of_a_definition_is_told(heading: str, model: type[BaseModel]):
    told = table(WORKFLOWS, heading)

    assert list(told) == names(model)
    for name, field in model.model_fields.items():
        plain = told[field.alias or name]
        if field.is_required():
            assert plain == "required"
        elif isinstance(field.default, str | int | float) and field.default != "":
            assert plain == default(field.default, name)


def test_every_kind_of_node_and_their_common_keys_are_told():
    assert set(re.findall(r"^### (\w+)$", WORKFLOWS, re.MULTILINE)) == set(NODE_KINDS)
    assert set(table(WORKFLOWS, "## Nodes")) == set(names(NODE_KINDS["action"])) - {"action"}


def test_everything_that_templates_may_use_is_told():
    allowed = {row[0]: set(words(row[1])) for row in rows(WORKFLOWS, "### What a template may use")}

    assert allowed["filters"] == {name for name in sandbox.environment().filters if name.isidentifier()}
    assert {name.partition("(")[0] for name in allowed["functions"]} == set(sandbox.environment().globals)
    assert allowed["methods of texts"] == sandbox._TEXT_METHODS
    assert {name.split(".")[0] for name in table(WORKFLOWS, "## Templates")} == set(ROOTS)


def test_every_limit_is_told_as_it_is():
    told = dict(rows(WORKFLOWS, "## Limits"))

    assert told == {
        "a definition":
            f"{limits.MAX_DEFINITION_BYTES:,} bytes, {limits.MAX_DEFINITION_NODES:,} nodes, {MAX_DEPTH} levels",
        "problems of a definition told at once": str(limits.MAX_PROBLEMS),
        "a request's input; a provided result": f"{limits.MAX_INPUT_BYTES:,} bytes, {limits.MAX_JSON_DEPTH} levels",
        "an answer; a function's result": f"{limits.MAX_RESPONSE_BYTES:,} bytes",
        "what one rendering gives (all of a call's values together)":
            f"{limits.MAX_RENDERED_CHARS:,} characters, {limits.MAX_JSON_DEPTH} levels",
        "turns of all loops in one template": f"{limits.MAX_TEMPLATE_LOOPS:,}",
        "what one rendering takes in hand on its way": f"{limits.MAX_TEMPLATE_CHARS:,} characters",
        "checks of one value by its schema": f"{limits.MAX_SCHEMA_CHECKS:,}",
        "a title; a reason": f"{limits.MAX_TITLE_CHARS}; {limits.MAX_REASON_CHARS:,} characters",
        "a key that makes a submit safe to repeat": f"{limits.MAX_KEY_CHARS} characters",
        "an error": f"{limits.MAX_ERROR_CHARS:,} characters; of an action, {_ERROR_CHARS}",
        "a duration": f"{limits.MAX_SECONDS / 86400:g} days",
    }  # fmt: skip
    assert f"At most **{limits.MAX_RECOVERIES}** times" in OPERATING


def test_the_whole_definition_is_the_one_that_is_tested():
    assert ONBOARDING in blocks(WORKFLOWS, "yaml")


FRAGMENTS = [block for block in blocks(WORKFLOWS, "yaml") if block.startswith("nodes:")]


@pytest.mark.parametrize("nodes", FRAGMENTS, ids=[block.split()[1] for block in FRAGMENTS])
def test_every_example_of_nodes_can_be_published(nodes: str):
    workflow = load(f"workflow: w\napp: HR\n{nodes}", "workflows.md")
    assert len(workflow.step_ids) > 2


def test_every_kind_has_an_example():
    shown = "".join(blocks(WORKFLOWS, "yaml"))
    assert [kind for kind in NODE_KINDS if f"{kind}:" not in shown] == []


def test_the_example_passes_with_its_function_and_the_connections_of_the_readme(tmp_path: Path):
    readme = (ROOT / "README.md").read_text("utf-8")
    settings = next(block for block in blocks(readme, "yaml") if block.startswith("workflows:"))
    example = next(block for block in blocks(WORKFLOWS, "yaml") if block.startswith("workflow:"))
    (tmp_path / "retrigger.yaml").write_text(f"functions: [my_functions]\n{settings}", encoding="utf-8")
    (tmp_path / "my_functions.py").write_text("".join(blocks(WORKFLOWS, "python")), encoding="utf-8")
    (tmp_path / "access.yaml").write_text(example, encoding="utf-8")

    # In a process of its own: a function that is registered stays registered.
    check = [sys.executable, "-m", "retrigger", "--config", "retrigger.yaml", "workflow", "check", "access.yaml"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(check, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert (ran.stdout, ran.stderr) == ("access.yaml: workflow access passes (6 nodes).\n", "")
