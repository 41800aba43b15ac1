"""The acting commands against a running engine: what they do, what they say, and with which code they end."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.front import STEPS, Front
from tests.support.outside import Outside

ACCOUNT = """
workflow: account
app: HR
title: "Account for {{ request.input.name }}"
nodes:
  account:
    action:
      connection: identity
      method: POST
      path: /accounts
      body: {email: "{{ request.input.name }}@example.com"}
      expect: {status: [201]}
"""


def test_submit_prints_the_id_alone_and_the_request_completes(running: Front):
    result = running.run("submit", "steps", "--input", '{"name": "Ada"}', "--requester", "vera@example.com")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "REQ-1\n", "")
    document = running.wait("REQ-1", "completed")
    assert (document["requester"], document["title"]) == ("vera@example.com", "Steps for Ada")


def test_submit_takes_its_input_from_a_file_and_from_standard_input(running: Front):
    file = running.folder / "ada.json"
    file.write_text('{"name": "Åsa"}')

    running.out("submit", "steps", "--input", f"@{file}")
    assert running.run("submit", "steps", "--input", "@-", stdin='{"name": "Bo"}').exit_code == 0

    assert [request["title"] for request in running.json("list")] == ["Steps for Bo", "Steps for Åsa"]


def test_the_same_key_gives_the_same_request(running: Front):
    twice = [running.out("submit", "steps", "--input", '{"name": "Ada"}', "--key", "k1") for _ in range(2)]

    assert twice == ["REQ-1\n", "REQ-1\n"]


def test_flow_waits_and_says_that_the_request_completed(running: Front):
    request = running.blocked()
    running.mend_second()

    assert running.out("flow", request, "second", "--reason", "the fire is out") == "REQ-1 is Completed.\n"

    attempts = next(step for step in running.json("show", request)["steps"] if step["node"] == "second")["attempts"]
    facts = ("retrigger", "hanna@example.com", "cli", "the fire is out")
    assert tuple(attempts[-1][name] for name in ("kind", "by", "door", "reason")) == facts


def test_flow_ends_with_1_where_the_step_is_blocked_again(running: Front):
    request = running.blocked()

    result = running.run("flow", request, "second")

    assert result.exit_code == 1
    assert result.stdout.startswith("REQ-1 is Blocked. second is blocked: front.work failed: RuntimeError: the printer")


def test_step_says_that_the_step_is_held_and_continue_goes_on(running: Front):
    request = running.blocked()
    running.mend_second()

    said = running.out("step", request, "second")

    held = "second completed. It is held: nothing behind it starts until Continue flow. REQ-1 is Blocked"
    assert said == f"{held}: remaining steps not started.\n"
    assert running.json("show", request)["reason"] == running.json("list")[0]["reason"] == "remaining steps not started"
    late = running.refused("flow", request, "second")
    assert late.startswith("second of REQ-1 is now completed, and held until Continue flow. hanna@example.com re-")
    assert running.out("continue", request) == "REQ-1 is Completed.\n"


def test_step_ends_with_1_where_it_is_blocked_again(running: Front):
    request = running.blocked()

    result = running.run("step", request, "second", "--update-status")

    error = "front.work failed: RuntimeError: the printer is on fire"
    assert result.exit_code == 1
    assert result.stdout == f"second is blocked again: {error}. REQ-1 is Blocked.\n"  # the error once


def test_an_error_is_told_with_all_its_points(running: Front):
    request = running.blocked()
    running.break_second("no range 1..5, and ../paper is empty")

    result = running.run("step", request, "second")

    error = "front.work failed: RuntimeError: no range 1..5, and ../paper is empty"
    assert result.stdout == f"second is blocked again: {error}. REQ-1 is Blocked.\n"


def test_input_shows_the_text_to_start_from_and_takes_the_result(running: Front):
    request = running.blocked()

    draft = json.loads(running.out("input", request, "second"))
    said = running.out("input", request, "second", "--json", json.dumps({**draft, "by": "hand"}))

    assert (draft, said) == ({"done": ""}, "REQ-1 is Completed.\n")
    second = next(step for step in running.json("show", request)["steps"] if step["node"] == "second")
    assert second["result"] == {"done": "", "by": "hand"}


def test_input_that_does_not_fit_is_refused_and_nothing_changes(running: Front):
    request = running.blocked()

    assert running.refused("input", request, "second", "--json", '{"done": }').startswith("Line 1, column 10: ")
    assert "'done' is a required property" in running.refused("input", request, "second", "--json", "{}")
    assert running.json("show", request)["status"] == "blocked"


def test_a_call_that_may_have_taken_effect_is_repeated_only_when_that_is_confirmed(tmp_path: Path):
    outside = Outside()
    front = Front(
        tmp_path, "sqlite:///retrigger.db", f"connections: {{identity: {{base_url: {outside.url}/identity}}}}\n"
    )
    front.define("account", ACCOUNT)
    outside.turn("identity", "wrong_data", times=1)
    try:
        with front.engine():
            request = front.submit(workflow="account")
            front.wait(request, "blocked")

            said = front.refused("flow", request, "account", "--new-key")
            assert said.startswith("The earlier call may have taken effect (account).")
            assert said.endswith("Here: --confirm --reason TEXT.\n")
            assert "--confirm" in front.refused("flow", request, "account", "--new-key", "--confirm")
            assert "needs --confirm --reason TEXT" in front.out("flow", request, "account", "--new-key", "--plan")
            assert outside.effects == 1

            confirmed = ("--new-key", "--confirm", "--reason", "they threw the first one away")
            assert front.out("flow", request, "account", *confirmed) == f"{request} is Completed.\n"
        assert outside.effects == len(set(outside.keys())) == 2
    finally:
        outside.stop()


def test_withdraw_needs_a_reason_and_ends_the_request(running: Front):
    request = running.blocked()

    assert "--reason" in running.refused("withdraw", request, code=2)
    said = running.refused("withdraw", request, "--reason", " ")
    assert said == "Withdrawing a request needs a reason. Here: --reason TEXT.\n"
    assert "A new key needs a reason" in running.refused("flow", request, "second", "--new-key")
    assert running.out("withdraw", request, "--reason", "nobody needs it") == "REQ-1 is Withdrawn.\n"
    assert "final" in running.refused("flow", request, "second")


def test_the_reason_of_each_act_is_on_record(running: Front):
    one, other = running.blocked(), running.blocked()
    running.mend_second()

    running.out("step", one, "second", "--reason", "only this")
    running.out("continue", one, "--reason", "the rest")
    running.out("input", other, "second", "--json", '{"done": true}', "--reason", "by hand")

    told = {
        (request, event["by"], event["reason"])
        for request in (one, other)
        for event in running.json("show", request)["events"]
        if event["door"] == "cli" and event["reason"]
    }
    hanna = "hanna@example.com"
    assert told == {(one, hanna, "only this"), (one, hanna, "the rest"), (other, hanna, "by hand")}


def test_a_plan_is_printed_and_nothing_happens(running: Front):
    request = running.blocked()
    before = running.json("show", request)

    assert running.out("flow", request, "second", "--plan") == "Would run:\n  second (function)\n  third (function)\n"
    assert running.out("step", request, "second", "--plan") == "Would run:\n  second (function)\n"
    assert "without a call" in running.out("input", request, "second", "--plan")
    needs = "This needs --reason TEXT.\n"
    assert needs in running.out("withdraw", request, "--plan")
    assert running.out("flow", request, "second", "--new-key", "--plan").endswith(needs)
    assert running.out("step", request, "second", "--new-key", "--plan").endswith(needs)
    given = running.out("input", request, "second", "--json", '{"done": true}', "--reason", "by hand", "--plan")
    assert given == "second would be completed with the input, without a call.\nWould run:\n  third (function)\n"
    assert running.out("withdraw", request, "--reason", "nobody needs it", "--plan").startswith("REQ-1 would be With")
    assert running.json("show", request) == before

    running.mend_second()
    running.out("step", request, "second")
    held = running.json("show", request)
    assert running.out("continue", request, "--plan") == "Would run:\n  third (function)\n"
    assert running.json("show", request) == held


def test_a_plan_is_that_of_the_version_that_is_named(running: Front):
    request = running.blocked()
    work = '{name: front.work, args: {folder: "{{ constants.fine }}"}, isolation: thread}'
    longer = STEPS.replace("FOLDER", str(running.folder)).replace(
        "  third:", f"  between: {{function: {work}}}\n  third:"
    )
    file = running.define("longer", longer)
    assert running.out("workflow", "publish", str(file)) == "steps version 2 is published.\n"

    plan = running.out("flow", request, "second", "--version", "2", "--plan")
    assert plan == "Would run:\n  second (function)\n  between (function)\n  third (function)\n"
    assert "between" not in running.out("flow", request, "second", "--plan")
    assert running.json("show", request)["version"] == 1


def test_no_wait_says_accepted_at_once(running: Front):
    request = running.blocked()

    assert running.out("flow", request, "second", "--no-wait") == "REQ-1: accepted.\n"


def test_without_an_engine_acts_are_accepted_and_nothing_waits(still: Front):
    with still.engine():
        request = still.blocked()
    still.mend_second()

    nothing = "accepted, nothing is running it. Start an engine with `retrigger up`.\n"
    assert still.out("flow", request, "second") == f"REQ-1: {nothing}"
    submitted = still.run("submit", "steps", "--input", '{"name": "Bo"}')
    assert (submitted.exit_code, submitted.stdout, submitted.stderr) == (0, "REQ-2\n", f"REQ-2: {nothing}")

    with still.engine():
        assert still.wait("REQ-1", "completed")
        assert still.wait("REQ-2", "completed")


def test_an_outcome_that_needs_no_engine_is_told_without_one(still: Front):
    with still.engine():
        request = still.blocked()

    assert still.out("withdraw", request, "--reason", "nobody needs it") == "REQ-1 is Withdrawn.\n"


def test_ids_are_taken_as_people_write_them(running: Front):
    running.submit()
    running.wait("REQ-1", "completed")

    assert {running.json("show", spelt)["id"] for spelt in ("REQ-1", "req-1", "1", "#1", "Req1")} == {"REQ-1"}
