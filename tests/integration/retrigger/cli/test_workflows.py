"""`workflow check` and `publish`, and what a definition that does not pass leaves in force."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from tests.support.front import STEPS, Front

BROKEN = """
workflow: steps
app: HR
nodes:
  first: {function: {nam: front.work}}
"""


def test_check_names_file_line_node_field_and_mend(front: Front):
    file = front.define("steps", BROKEN)

    result = front.run("workflow", "check", str(file))

    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{file}:5: node first, field function.nam: is not known; did you mean `name`?" in result.stderr


def test_check_tells_programs_the_same(front: Front):
    broken = front.define("steps", BROKEN)
    told = front.run("workflow", "check", str(broken), "--json")
    assert (told.exit_code, told.stderr) == (1, "")
    said = front.run("workflow", "check", str(broken)).stderr.splitlines()
    assert json.loads(told.stdout) == {"file": str(broken), "workflow": None, "problems": said}

    fine = front.define("steps", STEPS)
    assert front.json("workflow", "check", str(fine)) == {"file": str(fine), "workflow": "steps", "problems": []}


def test_check_knows_the_settings_functions_and_connections(front: Front):
    file = front.define(
        "other",
        "workflow: other\napp: HR\nnodes:\n  a: {function: {name: front.wrok}}\n"
        "  b: {action: {connection: identity, method: GET, path: /x}}\n",
    )

    said = front.run("workflow", "check", str(file)).stderr

    assert "there is no function `front.wrok`; did you mean `front.work`?" in said
    assert "there is no connection `identity`; add it under `connections` in the settings" in said


def test_check_passes_and_needs_no_database(front: Front):
    said = front.out("workflow", "check", str(front.folder / "workflows/steps.yaml"))

    assert said.endswith("steps.yaml: workflow steps passes (3 nodes).\n")
    assert not (front.folder / "retrigger.db").exists()


CALLBACK = """
workflow: parcel
app: HR
nodes:
  send:
    sync:
      nodes:
        tell: {function: {name: front.work, args: {folder: "{{ callback_url('arrived') }}"}}}
  arrived: {callback: {timeout: 2d}}
"""


def test_a_workflow_that_gives_out_addresses_needs_a_public_url(front: Front):
    file = front.define("parcel", CALLBACK)
    refused = (
        f"{file}:8: node tell, field function.args.folder: asks for callback_url, but nobody outside could call it"
    )

    for command in ("check", "publish"):
        assert f"{refused}; set api.public_url in the settings" in front.run("workflow", command, str(file)).stderr

    passed = front.run("workflow", "check", str(file), RETRIGGER_API_PUBLIC_URL="https://retrigger.example.com")
    assert passed.stdout == f"{file}: workflow parcel passes (3 nodes).\n"


def test_publish_stores_a_new_version_only_when_something_changed(still: Front):
    file = still.folder / "workflows/steps.yaml"

    assert still.out("workflow", "publish", str(file)) == "steps version 1 is in force already; nothing changed.\n"
    file.write_text(file.read_text().replace("Steps for", "Paces of"))
    assert still.out("workflow", "publish", str(file)) == "steps version 2 is published.\n"


def test_a_definition_that_does_not_pass_at_start_leaves_the_last_version_in_force(still: Front):
    file = still.define("steps", BROKEN)

    with still.engine() as said:
        request = still.submit()
        assert still.wait(request, "completed")["version"] == 1

    told = next(line for line in said if line.startswith("Workflow:"))
    assert told.startswith(
        f"Workflow: {file} does not pass, so what was published before stays in force.\n  {file}:5: "
    )


def test_two_files_with_one_workflow_and_a_folder_that_is_not_there_are_told(front: Front):
    front.define("zwilling", front.folder.joinpath("workflows/steps.yaml").read_text())
    front.settings.write_text(front.settings.read_text().replace("[workflows/]", "[workflows/, gone/]"))

    with front.engine() as said:
        pass

    assert any("workflow steps is in" in line and "rename one of them" in line for line in said)
    assert any("gone does not exist. Make it, or correct `workflows` in the settings." in line for line in said)


OTHER = "{workflow: other, app: IT, nodes: {wait: {delay: {for: 1h}}}}"


@pytest.fixture(params=["{", "[]", '{"workflow": "steps"}', "[" * 100_000], ids=["cut", "list", "no nodes", "deep"])
def damaged(still: Front, request: pytest.FixtureRequest) -> Front:
    """Beside a workflow that is whole, one whose definition is no JSON any more, or no definition."""
    still.out("workflow", "publish", str(still.define("other", OTHER)))
    with closing(sqlite3.connect(still.folder / "retrigger.db", isolation_level=None)) as database:
        database.execute("UPDATE workflows SET document = ? WHERE name = 'steps'", (request.param,))
    return still


def test_a_newest_version_that_cannot_be_read_is_named_and_keeps_no_other_from_the_list(damaged: Front):
    listed = damaged.run("workflow", "list", "--json")

    assert listed.exit_code == 1
    told = "Version 1 of steps cannot be read: a newer Retrigger published it, or its row is damaged."
    named = {each["workflow"]: each["unreadable"] for each in json.loads(listed.stdout)}
    assert named == {"other": None, "steps": told}
    assert listed.stderr.startswith(told)
    for_people = damaged.run("workflow", "list")
    assert (for_people.exit_code, for_people.stderr) == (1, listed.stderr)
    assert [line.split()[:2] for line in for_people.stdout.splitlines()[1:]] == [["other", "1"], ["steps", "1"]]


def test_a_newest_version_that_cannot_be_read_keeps_nobody_from_its_application(damaged: Front):
    assert damaged.out("list", "--app", "hr") == ""
    assert damaged.out("grant", "ada@example.com", "submit", "--app", "HR").endswith(": granted.\n")


@pytest.mark.parametrize("changed", [False, True], ids=["the same file", "a changed file"])
def test_publishing_mends_a_newest_version_that_cannot_be_read(damaged: Front, changed: bool):
    file = damaged.folder / "workflows/steps.yaml"
    if changed:
        file.write_text(file.read_text().replace("Steps for", "Paces of"))

    assert damaged.out("workflow", "publish", str(file)) == "steps version 2 is published.\n"
    assert damaged.out("workflow", "publish", str(file)) == "steps version 2 is in force already; nothing changed.\n"
    assert [each["workflow"] for each in damaged.json("workflow", "list")] == ["other", "steps"]
    assert damaged.submit() == "REQ-1"


def test_an_engine_that_starts_mends_what_its_files_still_have(damaged: Front):
    with damaged.engine():
        assert damaged.wait(damaged.submit(), "completed")["version"] == 2
