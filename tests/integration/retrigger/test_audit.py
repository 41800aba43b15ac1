"""`retrigger doctor --audit`: nothing is found in what really happened, and whatever was changed by hand is told."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from storage.database import open_database
from tests.support.front import Front


@pytest.fixture
def front(tmp_path: Path, database_url: str) -> Front:
    front = Front(tmp_path, database_url)
    front.out("db", "upgrade")
    return front


@pytest.fixture
def lived(front: Front) -> Front:
    """REQ-1 completed, REQ-2 withdrawn, REQ-3 mended by flow, REQ-4 by hand, REQ-5 held, then continued, REQ-6 to
    REQ-8 blocked."""
    with front.engine():
        front.wait(front.submit(), "completed")
        front.out("withdraw", front.blocked(), "--reason", "typed twice")
        flow, by_hand, held = front.blocked(), front.blocked(), front.blocked()
        front.out("input", by_hand, "second", "--json", '{"done": true}', "--reason", "done by hand")
        front.mend_second()
        front.out("flow", flow, "second")
        front.out("step", held, "second", "--update-status")
        front.out("continue", held)
        front.wait(held, "completed")
        front.break_second()
        for request in [front.submit() for _ in range(3)]:
            front.wait(request, "blocked")
    return front


def change(front: Front, sql: str) -> None:
    """A hand in the database."""
    with closing(open_database(front.url)) as database, database.writing() as connection:
        assert connection.execute(text(sql)).rowcount == 1


def audit(front: Front, *requests: str) -> dict[str, Any]:
    result = front.run("doctor", "--audit", "--json", *requests)
    found: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (1 if found["differences"] else 0)
    return found


def test_what_really_happened_agrees_with_its_history(lived: Front):
    assert audit(lived) == {"requests": 8, "differences": []}
    assert lived.out("doctor", "--audit") == "8 requests audited, 0 differences.\n"
    assert lived.out("doctor", "--audit", "REQ-3", "5") == "2 requests audited, 0 differences.\n"
    assert "There is no request REQ-99." in lived.run("doctor", "--audit", "REQ-3", "REQ-99").stderr
    assert lived.refused("doctor", "--audit", "REQ-99", code=4)


PLANTED = {
    "UPDATE requests SET status = 'completed', reason = NULL WHERE id = 7":
        "REQ-7 has status completed; by its history: status blocked.",
    "UPDATE steps SET status = 'completed' WHERE request_id = 6 AND node = 'second'":
        "REQ-6, step second, has status completed; by its history: status blocked.",
    "UPDATE attempts SET outcome = 'failed' WHERE request_id = 5 AND node = 'second' AND number = 2":
        "REQ-5, step second, has outcome failed at attempt 2; by its history: outcome succeeded.",
    "DELETE FROM events WHERE request_id = 4 AND kind = 'input_provided'":
        "REQ-4, step second, has attempt 2 of kind provided_input; by its history: nobody's act is told for it.",
    "UPDATE steps SET held = NOT held WHERE request_id = 3 AND node = 'first'":
        "REQ-3, step first, has held: yes; by its history: held: no.",
    "DELETE FROM requests WHERE id = 2":
        "REQ-2 has rows in events; by its history: there is no such request.",
    "DELETE FROM attempts WHERE request_id = 1 AND node = 'third'":
        "REQ-1, step third, has attempt 1 as its last; by its history: its last was none.",
    "UPDATE steps SET error = 'the password is swordfish' WHERE request_id = 8 AND node = 'second'":
        "REQ-8, step second, has an error; by its history: another error.",
}  # fmt: skip


@pytest.mark.parametrize("table", ["requests SET status", "steps SET status", "steps SET call", "attempts SET outcome"])
def test_a_row_that_cannot_be_read_is_told_and_the_others_are_audited(front: Front, table: str):
    with front.engine():
        for request in [front.submit() for _ in range(2)]:
            front.wait(request, "completed")
    number = "id" if table.startswith("requests") else "node = 'first' AND request_id"
    change(front, f"UPDATE {table} = 'of tomorrow' WHERE {number} = 1")
    found = audit(front)
    assert found["requests"] == 2
    (difference,) = found["differences"]
    assert difference["request"] == "REQ-1"
    assert difference["stored"] == "rows that cannot be read"
    assert "of tomorrow" in difference["sentence"]


DAMAGE = {
    "UPDATE requests SET input = '{' WHERE id = 1": "the input of REQ-1 is damaged",
    "UPDATE steps SET result = '{' WHERE node = 'first' AND request_id = 1": "the result of first of REQ-1 is damaged",
}


@pytest.mark.parametrize("sql", DAMAGE)
def test_a_value_that_is_no_json_any_more_is_told_and_the_others_are_audited(front: Front, sql: str):
    with front.engine():
        for request in [front.submit() for _ in range(2)]:
            front.wait(request, "completed")
    change(front, sql)
    found = audit(front)
    assert found["requests"] == 2
    (difference,) = found["differences"]
    assert difference["request"] == "REQ-1"
    assert DAMAGE[sql] in difference["sentence"]
    assert "1 request audited, 0 differences." in front.out("doctor", "--audit", "REQ-2")


def test_what_was_changed_by_hand_is_told(lived: Front):
    for sql in PLANTED:
        change(lived, sql)

    told = audit(lived)

    assert told["requests"] == 7
    assert {difference["request"] for difference in told["differences"]} == {f"REQ-{number}" for number in range(1, 9)}
    assert set(PLANTED.values()) <= {difference["sentence"] for difference in told["differences"]}
    result = lived.run("doctor", "--audit")
    assert "swordfish" not in result.output, "texts may be sensitive"
    assert result.exit_code == 1 and set(PLANTED.values()) <= set(result.stdout.splitlines())
    assert lived.run("doctor", "--audit", "REQ-3").stdout.splitlines()[1:] == ["1 request audited, 1 difference."]


def test_requests_are_named_for_an_audit_only(front: Front):
    assert "retrigger doctor --audit REQ-42" in front.refused("doctor", "REQ-42", code=2)
