"""The list of published workflows."""

from __future__ import annotations

import httpx
from sqlalchemy import update

from storage.tables import workflows
from tests.support.api import Api

LISTED = "/v1/workflows"


def test_a_newest_version_that_cannot_be_read_says_so_and_the_others_are_listed(api: Api, ci: httpx.Client):
    with api.app.database.writing() as connection:
        _, version, *rest = connection.execute(workflows.select()).one()
        connection.execute(workflows.insert().values(("broken", version, rest[0], "{", *rest[2:])))
        connection.execute(update(workflows).values(published_at=0.0))

    broken, steps = ci.get(LISTED).json()["workflows"]

    assert broken == {
        "workflow": "broken",
        "version": 1,
        "app": "HR",
        "published_at": "1970-01-01T00:00:00Z",
        "input_schema": None,
        "unreadable": "Version 1 of broken cannot be read: a newer Retrigger published it, or its row is damaged.",
    }
    assert (steps["workflow"], steps["input_schema"]["required"], steps["unreadable"]) == ("steps", ["name"], None)
    refused = ci.post(f"{LISTED}/broken/requests", json={"input": {}})
    assert (refused.status_code, refused.json()["detail"]) == (500, broken["unreadable"])
    assert ci.post(f"{LISTED}/steps/requests", json={"input": {"name": "Ada"}}).status_code == 201
