"""What `list`, `show`, `workflow list` and `grants` print, for people and for programs."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from tests.support.front import Front

DOCUMENT = (
    "id workflow version revision app title status reason requester created_at updated_at blocked_at pruned_at "
    "blocked input actions steps events looking"
)
STEP = (
    "node kind status version visit stale held result error call retries recoveries due_at wakes_at outlet approvers "
    "approved need part_of actions attempts"
)


def test_list_shows_newest_first_and_filters(running: Front):
    blocked = running.blocked()
    running.mend_second()
    completed = running.submit("Bo")
    running.wait(completed, "completed")

    lines = running.out("list").splitlines()

    assert [line.split()[:2] for line in lines[1:]] == [[completed, "Completed"], [blocked, "Blocked"]]
    assert "second" in lines[2]
    for written in ("blocked", "Blocked"):
        assert [r["id"] for r in running.json("list", "--status", written)] == [blocked]
    for written in ("HR", "hr"):
        assert [r["id"] for r in running.json("list", "--app", written)] == [completed, blocked]
    assert running.json("list", "--app", "HR", "--status", "In progress") == []


def test_list_gives_the_documents_of_show_without_their_steps(running: Front):
    blocked = running.blocked()
    document = running.json("show", blocked)
    assert document.pop("steps") and document["input"] == {"name": "Ada"} and document["actions"] == ["withdraw"]
    assert running.json("list") == [document]


def test_what_cannot_be_read_is_named_and_keeps_no_other_from_the_list(still: Front):
    for name in "abc":
        still.submit(name)
    with closing(sqlite3.connect(still.folder / "retrigger.db", isolation_level=None)) as database:
        database.execute("UPDATE requests SET workflow_version = 2 WHERE id = 1")
        database.execute("INSERT INTO workflows SELECT name, 2, app, '{', 'd', 0 FROM workflows")
        database.execute("UPDATE steps SET status = 'of_tomorrow' WHERE request_id = 2 AND node = 'third'")

    listed = still.run("list", "--json")

    assert ([request["id"] for request in json.loads(listed.stdout)], listed.exit_code) == (["REQ-3"], 1)
    second, first = listed.stderr.splitlines()
    assert second.startswith("REQ-2 is left out. This cannot be read: 'of_tomorrow' is nothing that this Retrigger")
    assert first.startswith("REQ-1 is left out. Version 2 of steps cannot be read: a newer Retrigger published it")
    assert [line.split()[0] for line in still.out("list").splitlines()[1:]] == ["REQ-3", "REQ-2", "REQ-1"]


def test_list_says_where_the_next_page_is(still: Front):
    for name in "abc":
        still.submit(name)

    first = still.run("list", "--limit", "2", "--json")

    assert [r["id"] for r in json.loads(first.stdout)] == ["REQ-3", "REQ-2"]
    assert first.stderr == "There are more: add --after REQ-2, or raise --limit.\n"
    assert [r["id"] for r in still.json("list", "--limit", "2", "--after", "REQ-2")] == ["REQ-1"]


def test_an_empty_list_is_a_sentence_for_people_and_an_array_for_programs(still: Front):
    assert still.run("list").stderr == "No request is here.\n"
    assert still.json("list") == []


def test_show_gives_the_one_document(running: Front):
    document = running.json("show", running.blocked())

    assert set(DOCUMENT.split()) == set(document)
    assert set(STEP.split()) == set(document["steps"][0])
    assert document["actions"] == ["withdraw"]
    assert [step["actions"] for step in document["steps"]] == [[], ["retrigger", "flow", "input"], [], []]
    assert datetime.fromisoformat(document["created_at"]).utcoffset() is not None
    assert document["created_at"].endswith("Z")


def test_show_tells_the_story_and_what_may_be_done(running: Front):
    request = running.blocked()
    running.run("flow", request, "second", "--reason", "once more")

    shown = running.out("show", request)

    for line in (
        "REQ-1  Steps for Ada",
        "Blocked  HR · steps, version 1 · requested by hanna@example.com · just now",
        "  ✓ first   Completed",
        "  ✗ second  Blocked",
        "  │   2 attempts: initial, re-trigger",
        "  │   front.work failed: RuntimeError: the printer is on fire",
        "  │   Re-triggered step and flow by hanna@example.com, ",
        "  ○ third   Pending",
        f"  export RETRIGGER_CONFIG={running.settings}",
        " flow REQ-1 second ",
        " withdraw REQ-1 --reason TEXT",
    ):
        assert line in shown
    assert all(line == line.rstrip() for line in shown.splitlines())


def test_workflows_and_grants_are_listed(front: Front):
    with front.settings.open("a") as settings:
        settings.write("grants:\n  - {who: hr@example.com, permission: take_action, app: HR}\n")
    with front.engine():
        front.define(
            "steps", front.folder.joinpath("workflows/steps.yaml").read_text().replace("Steps for", "Paces of")
        )
        said = front.out("workflow", "publish", str(front.folder / "workflows/steps.yaml"))
        front.out("grant", "@ops", "admin")

        assert said == "steps version 2 is published.\n"
        (workflow,) = front.json("workflow", "list")
        assert (workflow["workflow"], workflow["version"], workflow["app"]) == ("steps", 2, "HR")
        assert front.out("workflow", "list").splitlines()[1].split()[:3] == ["steps", "2", "HR"]
        assert [(g["who"], g["source"]) for g in front.json("grants")] == [
            ("hr@example.com", "settings"),
            ("@ops", "hanna@example.com"),
        ]
        times = [grant["at"] for grant in front.json("grants")]
        assert times[0] is None and times[1].endswith("Z") and datetime.fromisoformat(times[1]).tzinfo == UTC
        assert "settings file" in front.out("grants")


def test_show_says_when_nothing_moves_for_want_of_an_engine(still: Front):
    request = still.submit("a")

    assert (
        still.run("show", request).stderr == "No engine is running, so nothing of it moves. Start one: retrigger up.\n"
    )
    assert still.run("show", request, "--json").stderr == ""
    with still.engine():
        still.wait(request, "completed")
        assert still.run("show", request).stderr == ""
    assert still.run("show", request).stderr == ""


def test_show_draws_the_path(still: Front, tmp_path: Path):
    request = still.submit("a")
    file = tmp_path / "path.png"

    told = still.run("show", request, "--picture", str(file))

    assert told.stderr == f"{request} is drawn in {file}.\n"
    assert told.stdout == ""
    assert file.read_bytes().startswith(b"\x89PNG")


def test_nothing_is_written_for_a_request_that_is_not_there(still: Front, tmp_path: Path):
    told = still.run("show", "REQ-9", "--picture", str(tmp_path / "path.png"))

    assert told.exit_code == 4
    assert "There is no request REQ-9." in told.stderr
    assert list(tmp_path.glob("path.png")) == []
