"""`retrigger prune`, as it is typed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.database import open_database
from tests.support.front import Front
from tests.support.poll import wait_until


def age(front: Front, days: int) -> None:
    """A hand in the database: everything happened so many days before."""
    with closing(open_database(front.url)) as database, database.writing() as connection:
        for table, columns in (("requests", ("created_at", "updated_at")), ("events", ("at",))):
            moved = ", ".join(f"{column} = {column} - {days * 86400}" for column in columns)
            connection.execute(text(f"UPDATE {table} SET {moved}"))


def test_it_says_what_would_go_then_removes_it(tmp_path: Path, sqlite_url: str):
    front = Front(tmp_path, sqlite_url)
    with front.engine():
        front.wait(front.submit("Ann"), "completed")
        front.wait(front.submit("Bea"), "completed")
    age(front, 100)

    none = "Contents of 0 requests would be removed.\n"
    assert front.out("prune", "--older-than", "101d", "--plan") == none
    assert front.out("prune", "--older-than", "101D", "--plan") == none  # as the help has it
    assert front.out("prune", "--older-than", "90d", "--plan") == "Contents of 2 requests would be removed (HR 2).\n"
    assert "Steps for Ann" in front.out("list")
    done = front.out("prune", "--older-than", "90d")
    assert done.startswith("Contents of 2 requests removed (HR 2).\nRemoved, too: 0 messages that had been told, ")
    shown = front.out("show", "REQ-1")
    assert "REQ-1  removed by retention\n" in shown
    assert "Title, input, results and responses: removed by retention, " in shown
    assert "What may be done now" not in shown
    document = front.json("show", "REQ-1")
    assert (document["input"], document["title"], document["steps"][0]["result"]) == (
        None,
        "removed by retention",
        None,
    )
    assert document["pruned_at"] and document["steps"][0]["attempts"]
    assert front.out("prune", "--older-than", "90d", "--app", "HR") == "Contents of 0 requests removed.\n"


def test_wrong_use_says_what_to_write(tmp_path: Path):
    front = Front(tmp_path, "sqlite:///retrigger.db")
    for wrong in ("90", "0d", "3 months", "-1d"):
        assert "write a number of days such as 90d" in front.run("prune", "--older-than", wrong).stderr
    assert front.run("prune").exit_code == 2
    front.out("db", "upgrade")
    assert front.run("prune", "--older-than", "90d", RETRIGGER_USER=None).exit_code == 2
    assert "There is no application Nope." in front.refused("prune", "--older-than", "90d", "--app", "Nope", code=4)


def test_the_setting_is_a_number_of_days(tmp_path: Path):
    front = Front(tmp_path, "sqlite:///retrigger.db", "retention: 5h\n")
    assert "retention: is `5h`; write a number of days such as 90d" in front.refused("list", code=1)
    front.settings.write_text(front.settings.read_text().replace("5h", "400d"))
    with front.engine():
        front.wait(front.submit(), "completed")


def test_an_engine_prunes_by_the_setting(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("retrigger.up.PRUNING_TURN", 0.1)
    front = Front(tmp_path, sqlite_url, "retention: 90d\n")
    with front.engine():
        front.wait(front.submit(), "completed")
    age(front, 100)

    with front.engine():
        wait_until(lambda: front.json("show", "REQ-1")["pruned_at"], "the engine to come to it")
