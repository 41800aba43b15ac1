"""Keys for the HTTP API, from the command line (SPEC 8)."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.support.front import Front


def test_the_command_makes_a_key_lists_it_and_revokes_it(still: Front):
    made = still.run("key", "create", "ci")

    assert made.exit_code == 0
    assert made.stdout.startswith("rtk_") and len(made.stdout.strip()) == 47
    assert "It may do nothing yet: retrigger grant key:ci PERMISSION --app APP." in made.stderr
    assert "in use" in still.out("key", "list")
    (listed,) = still.json("key", "list")
    assert (listed["name"], listed["created_by"], listed["revoked_at"]) == ("ci", "hanna@example.com", None)
    assert listed["created_at"].endswith("Z")

    assert still.out("key", "revoke", "ci").startswith("key:ci is revoked.")
    assert "revoked just now" in still.out("key", "list")
    with closing(sqlite3.connect(still.folder / "retrigger.db")) as database:
        assert made.stdout.strip() not in "".join(database.iterdump())


def test_the_command_refuses_with_the_usual_exit_codes(still: Front):
    still.out("key", "create", "ci")

    assert "There is a key ci already" in still.refused("key", "create", "ci")
    assert "cannot name a key" in still.refused("key", "create", "C I")
    assert "There is no key ic" in still.refused("key", "revoke", "ic", code=4)
    assert still.run("key", "create", "x", RETRIGGER_USER=None).exit_code == 2


def test_a_key_of_an_old_name_has_its_grants_and_says_so(still: Front):
    still.out("grant", "key:ci", "take_action", "--app", "HR")
    still.out("grant", "KEY:CI", "submit")

    assert "key:ci holds: Submit, all applications; Take action, HR." in still.run("key", "create", "ci").stderr
