from importlib import resources

import pytest
import yaml
from jsonschema import Draft202012Validator

from engine.definition import load, missing_in_settings
from retrigger.demo.outside_catalog import CATALOG
from retrigger.demo.scenes import SCENES, TRIES, WORKFLOW

TEXT = resources.files("retrigger.demo").joinpath("workflows/onboarding.yaml").read_text("utf-8")
DEFINITION = yaml.safe_load(TEXT)
ACTIONS = {name: node["action"] for name, node in DEFINITION["nodes"].items() if "action" in node}


def test_the_workflow_can_be_published():
    assert missing_in_settings(load(TEXT, "onboarding.yaml"), ["hr.badge_number"], list(CATALOG)) == ()


def test_the_scenes_are_for_this_workflow():
    assert DEFINITION["workflow"] == WORKFLOW


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.input["name"])
def test_each_input_is_accepted_by_the_workflow(scene):
    Draft202012Validator(DEFINITION["input_schema"]).validate(scene.input)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.input["name"])
def test_the_trouble_of_a_scene_meets_nobody_else(scene):
    if scene.trouble is not None:
        assert [other.input["email"] for other in SCENES if scene.trouble.contains in str(other.input)] == [
            scene.input["email"]
        ]


def test_every_call_is_one_that_the_outside_systems_know_and_carries_the_email_that_rules_look_for():
    for action in ACTIONS.values():
        resource = CATALOG[action["connection"]].resources[action["path"].removeprefix("/")]
        assert set(resource.needs) <= set(action["body"])
        assert resource.status in action["expect"]["status"]
        assert "{{ request.input.email }}" in action["body"].values()


def test_what_the_outside_systems_make_is_what_the_steps_expect_and_wrong_data_is_not():
    for action in ACTIONS.values():
        resource = CATALOG[action["connection"]].resources[action["path"].removeprefix("/")]
        made = resource.make(1, {"email": "ana@example.com", "to": "ana@example.com", "account": "acc-1001"})
        expected = Draft202012Validator(action["expect"]["schema"])
        assert expected.is_valid(made)
        assert not expected.is_valid({"status": "ok"})


def test_the_outage_of_the_blocked_request_is_over_when_it_is_blocked():
    assert {1 + action["retry"]["times"] for action in ACTIONS.values()} == {TRIES}
