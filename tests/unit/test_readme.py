"""What the README promises: its workflow can be published, its settings read, and its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

from bot.blocks.modals import TITLES
from engine import texts
from engine.definition import ActionNode, load
from engine.rules.allowed import Action
from retrigger.settings_file import read_settings
from tests.support.docs import ROOT, blocks, command_lines, links, problem_of_command

README = (ROOT / "README.md").read_text("utf-8")


def yaml_that_begins_with(key: str) -> str:
    (found,) = (block for block in blocks(README, "yaml") if block.startswith(f"{key}:"))
    return found


def test_its_workflow_has_15_lines_and_can_be_published():
    text = yaml_that_begins_with("workflow")

    workflow = load(text, "README.md")

    assert len(text.splitlines()) == 15
    assert list(workflow.nodes) == ["create_account", "welcome"]


def test_its_settings_can_be_read_and_name_what_the_workflow_needs(tmp_path: Path):
    file = tmp_path / "retrigger.yaml"
    file.write_text(yaml_that_begins_with("workflows"), encoding="utf-8")

    settings = read_settings(file, {})

    workflow = load(yaml_that_begins_with("workflow"), "README.md")
    called = {node.action.connection for node in workflow.nodes.values() if isinstance(node, ActionNode)}
    assert called == set(settings.connections)
    assert workflow.app in settings.channels


def test_every_command_it_shows_exists():
    lines = command_lines(README)

    assert {line.split()[1] for line in lines} >= {"up", "doctor", "workflow"}
    assert [problem for line in lines if (problem := problem_of_command(line))] == []


def test_every_make_target_it_names_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    named = set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE))
    assert {"run", "test", "bench"} <= named <= targets


def test_every_link_leads_to_a_file_of_the_project():
    assert [link for link in links(README) if not (ROOT / link).exists()] == []


def test_it_names_the_options_as_the_screen_does():
    first_column = re.findall(r"^\| \*\*(.+?)\*\* \|", README, re.MULTILINE)

    assert first_column == [TITLES[Action.RETRIGGER], TITLES[Action.FLOW], TITLES[Action.INPUT]]
    assert texts.EARLIER_CALL in README.replace("\n", " ")
