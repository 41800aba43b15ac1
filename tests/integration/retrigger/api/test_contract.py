"""The API does what its OpenAPI says, for whatever schemathesis makes of it: no 5xx, every answer as described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import negative_data_rejection, positive_data_acceptance
from schemathesis.core.result import Ok

from engine.rules.permissions import Permission
from tests.support.api import OWNER, Api, serve_api
from tests.support.front import Front

# schemathesis draws from `random` in its strategies, which is its own affair.
pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")

WAITING = """
workflow: waiting
app: HR
title: "Waiting for {{ request.input.name }}"
nodes:
  manager: {approval: {approvers: ["key:tester"], need: any}, approved: called, rejected: refused}
  called: {callback: {timeout: 1d}, next: end}
  refused: {end: {status: rejected}}
"""
SHORT, LONG = 8, 400  # cases of each operation and kind


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Requests in several states: REQ-1 Blocked, REQ-2 Completed, REQ-3 waiting for approval, REQ-4 for a call."""
    front = Front(
        tmp_path_factory.mktemp("contract"), "sqlite:///retrigger.db", "api: {port: 0, public_url: 'http://x'}\n"
    )
    front.define("waiting", WAITING)
    with serve_api(front) as api:
        front.blocked()
        front.mend_second()
        front.wait(front.submit(), "completed")
        for request in (front.submit(workflow="waiting"), front.submit(workflow="waiting")):
            front.wait_for_step(request, "manager", "waiting")
        api.caller("tester", Permission.ADMIN)
        yield api


class Contract:
    """Calls each operation as it is described. ``there``: values that lead to what there is."""

    def __init__(self, api: Api) -> None:
        self.schema = schemathesis.openapi.from_url(f"{api.url}/openapi.json")
        api.app.engine.revoke_key(OWNER, "tester")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {api.app.engine.create_key(OWNER, 'tester')}"
        address = api.app.engine.callback_url(OWNER, 4, "called") or ""
        self.there: dict[str, list[str]] = {
            "id": ["1", "REQ-2", "REQ-3", "REQ-4"],
            "node": ["first", "second", "third", "manager", "called", "end"],
            "name": ["steps", "waiting"],
            "token": [urlsplit(address).path.rpartition("/")[2]],
        }

    def run(self, mode: GenerationMode, examples: int, *, lead: bool = False) -> int:
        """``lead``: put in what is there, so that the cases get behind the 404. Returns how many cases were run."""
        done = 0
        for found in self.schema.get_all_operations():
            assert isinstance(found, Ok)
            operation = found.ok()
            if mode is GenerationMode.NEGATIVE and not [*operation.iter_parameters(), *operation.body]:
                continue  # nothing in it can be wrong

            @settings(
                max_examples=examples,
                derandomize=True,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(operation.as_strategy(generation_mode=mode), st.data())
            def check(case: schemathesis.Case[Any], data: st.DataObject) -> None:
                nonlocal done
                done += 1
                # What is "wrong" may be a null that no address can carry, or the key that is sent all the same.
                excluded: list[Any] = [negative_data_rejection] if examples == LONG else []
                if lead:
                    excluded.append(positive_data_acceptance)  # what fits the API may not fit the workflow: 422
                    for name in set(self.there) & set(case.path_parameters or {}):
                        case.path_parameters[name] = data.draw(st.sampled_from(self.there[name]))
                case.call_and_validate(session=self._session, excluded_checks=excluded)

            check()
        return done


@pytest.fixture
def contract(api: Api) -> Contract:
    return Contract(api)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_does_what_is_described(contract: Contract, mode: GenerationMode):
    assert contract.run(mode, SHORT) > 50


def test_every_operation_does_so_on_what_is_there(contract: Contract):
    assert contract.run(GenerationMode.POSITIVE, SHORT, lead=True) > 50


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_operation_does_so_many_times_over(contract: Contract):
    done = [contract.run(mode, LONG) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)]
    done.append(contract.run(GenerationMode.POSITIVE, LONG, lead=True))

    assert sum(done) > 5000
