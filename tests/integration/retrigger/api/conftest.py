from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from engine.rules.permissions import Permission
from tests.support.api import Api, serve_api
from tests.support.front import Front


@pytest.fixture
def front(tmp_path: Path, database_url: str) -> Front:
    """A folder with settings and a workflow, on each kind of database."""
    front = Front(tmp_path, database_url)
    if not database_url.startswith("sqlite"):
        front.out("db", "upgrade")
    return front


@pytest.fixture
def api(front: Front) -> Iterator[Api]:
    """Served, with an engine at work."""
    with serve_api(front) as api:
        yield api


@pytest.fixture
def ci(api: Api) -> httpx.Client:
    """A caller who may do everything in HR but grant."""
    return api.caller("ci", Permission.SUBMIT, Permission.TAKE_ACTION, app="HR")


@pytest.fixture
def blocked(api: Api, ci: httpx.Client) -> httpx.Client:
    """The same; REQ-1 is Blocked at ``second``, which would work by now."""
    assert api.front.blocked() == "REQ-1"
    api.front.mend_second()
    return ci
