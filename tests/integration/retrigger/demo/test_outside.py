"""The outside systems through real HTTP, as the engine and a person's browser meet them."""

import threading
import time

import pytest
import requests

from retrigger.demo import ports
from retrigger.demo.outside import serve
from retrigger.demo.outside_systems import OutsideSystems
from tests.support.poll import PATIENCE, wait_until

ANA = {"email": "ana@example.com", "name": "Ana Reis"}
GIVE_UP = 0.2
"""Seconds that a caller in these tests waits for a system that holds its answer back."""


class Client:
    """What the tests say to the service, in words."""

    def __init__(self, url):
        self.url = url

    def post(self, path, body, key=None, **options):
        headers = {"Idempotency-Key": key} if key else {}
        return requests.post(f"{self.url}/{path}", json=body, headers=headers, timeout=PATIENCE, **options)

    def turn(self, system, **switch):
        assert requests.put(f"{self.url}/switches/{system}", json=switch, timeout=PATIENCE).status_code == 200

    def reset(self):
        assert requests.post(f"{self.url}/reset", timeout=PATIENCE).status_code == 204

    def ledger(self):
        return requests.get(f"{self.url}/ledger.json", timeout=PATIENCE).json()

    def last(self):
        return self.ledger()["entries"][0]

    def wait_for_calls(self, number):
        wait_until(lambda: self.ledger()["counts"]["calls"] >= number, f"{number} calls")

    def gives_up_on(self, path, body, key):
        before = self.ledger()["counts"]["calls"]
        patience = (PATIENCE, GIVE_UP)  # to be connected, to be answered
        with pytest.raises(requests.ReadTimeout):
            requests.post(f"{self.url}/{path}", json=body, headers={"Idempotency-Key": key}, timeout=patience)
        self.wait_for_calls(before + 1)


@pytest.fixture(scope="module")
def service():
    served = serve(OutsideSystems(time.time))
    yield Client(served.url)
    served.stop()


@pytest.fixture
def outside(service):
    service.reset()
    return service


@pytest.mark.parametrize(
    ("path", "body", "status", "expected"),
    [
        ("identity/accounts", ANA, 201, {"id": "acc-1001", "email": "ana@example.com", "name": "Ana Reis"}),
        ("facilities/desks", {"account": "acc-1001", "office": "Porto"}, 201, {"office": "Porto"}),
        ("it/laptops", {"account": "acc-1001"}, 201, {"laptop": "LT-4001"}),
        ("it/shipments", {"account": "acc-1001"}, 201, {"days": 2}),
        ("mail/send", {"to": "ana@example.com"}, 200, {"sent": True}),
    ],
)
def test_each_system_makes_what_it_is_asked_for(outside, path, body, status, expected):
    response = outside.post(path, body, key="k1")
    assert response.status_code == status
    assert expected.items() <= response.json().items()
    assert outside.last()["outcome"] == "done, effect #1"


def test_the_same_key_gives_the_first_answer_again_and_does_nothing_twice(outside):
    first = outside.post("identity/accounts", ANA, key="k1")
    again = outside.post("identity/accounts", ANA, key="k1")
    other = outside.post("identity/accounts", ANA, key="k2")
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert other.json()["id"] != first.json()["id"]
    ledger = outside.ledger()
    assert ledger["counts"] == {"calls": 3, "effects": 2, "repeats": 1}
    assert [(e["number"], e["key"], e["effect"], e["repeat_of"]) for e in ledger["entries"]] == [
        (3, "k2", 2, None),
        (2, "k1", None, 1),
        (1, "k1", 1, None),
    ]
    assert ledger["entries"][1]["outcome"] == "repeat of #1, nothing done again"


def test_calls_at_the_same_moment_under_one_key_have_one_effect(outside):
    gate, answers = threading.Barrier(8), []

    def call():
        gate.wait()
        answers.append(outside.post("identity/accounts", ANA, key="k1").json()["id"])

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["acc-1001"] * 8
    assert outside.ledger()["counts"] == {"calls": 8, "effects": 1, "repeats": 7}


def test_without_a_key_every_call_has_an_effect(outside):
    outside.post("mail/send", {"to": "ana@example.com"})
    outside.post("mail/send", {"to": "ana@example.com"})
    assert outside.ledger()["counts"]["effects"] == 2


def test_a_key_with_another_body_is_refused(outside):
    outside.post("identity/accounts", ANA, key="k1")
    assert outside.post("identity/accounts", {"email": "bo@example.com"}, key="k1").status_code == 422
    assert outside.ledger()["counts"]["effects"] == 1


def test_a_call_that_lacks_a_field_is_rejected_and_may_be_mended_under_the_same_key(outside):
    assert outside.post("identity/accounts", {"name": "Ana"}, key="k1").json() == {"error": "missing: email"}
    assert outside.last()["status"] == 400
    assert outside.post("identity/accounts", ANA, key="k1").status_code == 201


def test_down_does_nothing_and_the_same_key_works_once_it_is_up(outside):
    outside.turn("identity", mode="down")
    assert outside.post("identity/accounts", ANA, key="k1").status_code == 503
    assert outside.last()["outcome"] == "nothing done"
    outside.turn("identity", mode="up")
    assert outside.post("identity/accounts", ANA, key="k1").json()["id"] == "acc-1001"


def test_a_flaky_system_fails_so_many_calls_and_is_up_again(outside):
    outside.turn("it", mode="down", times=2)
    statuses = [outside.post("it/laptops", {"account": "a"}, key="k1").status_code for _ in range(3)]
    assert statuses == [503, 503, 201]
    assert outside.ledger()["systems"][2]["switch"]["mode"] == "up"


def test_wrong_data_is_a_bad_answer_to_work_that_was_done(outside):
    outside.turn("identity", mode="wrong_data")
    bad = outside.post("identity/accounts", ANA, key="k1")
    assert (bad.status_code, bad.json()) == (200, {"status": "ok"})
    assert outside.last()["made"]["id"] == "acc-1001"
    assert outside.post("identity/accounts", ANA, key="k1").json() == {"status": "ok"}
    outside.turn("identity", mode="up")
    assert outside.post("identity/accounts", ANA, key="k1").json()["id"] == "acc-1001"
    assert outside.ledger()["counts"] == {"calls": 3, "effects": 1, "repeats": 2}


def test_no_answer_has_done_the_work_when_the_caller_gives_up(outside):
    outside.turn("mail", mode="no_answer", seconds=60)
    outside.gives_up_on("mail/send", {"to": "ana@example.com"}, "k1")
    entry = outside.last()
    assert (entry["status"], entry["effect"], entry["outcome"]) == (None, 1, "done, effect #1, no answer given")
    outside.turn("mail", mode="up")
    assert outside.post("mail/send", {"to": "ana@example.com"}, key="k1").json()["message_id"] == "msg-0001"
    assert outside.ledger()["counts"]["effects"] == 1


def test_slow_has_done_nothing_yet_when_the_caller_gives_up(outside):
    outside.turn("mail", mode="slow", seconds=60)
    outside.gives_up_on("mail/send", {"to": "ana@example.com"}, "k1")
    assert (outside.last()["effect"], outside.last()["outcome"]) == (None, "working on it")


def test_slow_answers_after_its_time(outside):
    outside.turn("mail", mode="slow", seconds=0.15)
    started = time.monotonic()
    assert outside.post("mail/send", {"to": "ana@example.com"}).json()["sent"] is True
    assert time.monotonic() - started >= 0.15


def test_turning_a_switch_sets_its_waiting_calls_free_and_no_others(outside):
    for system in ("mail", "identity"):
        outside.turn(system, mode="slow", seconds=60)
    done = threading.Event()

    def wait_for_mail():
        outside.post("mail/send", {"to": "ana@example.com"})
        done.set()

    threading.Thread(target=wait_for_mail).start()
    outside.wait_for_calls(1)
    outside.gives_up_on("identity/accounts", ANA, "k1")
    assert not done.is_set()
    outside.turn("mail", mode="up")
    assert done.wait(PATIENCE)
    identity, mail = outside.ledger()["entries"]
    assert (mail["outcome"], identity["outcome"]) == ("done, effect #1", "working on it")


def test_a_rule_is_for_the_calls_that_contain_its_text_and_goes_before_the_switch(outside):
    rule = {"system": "identity", "contains": "ana@example.com", "mode": "down"}
    made = outside.post("rules", rule).json()
    assert outside.post("identity/accounts", ANA).status_code == 503
    assert outside.post("identity/accounts", {"email": "bo@example.com"}).status_code == 201
    assert outside.post("mail/send", {"to": "ana@example.com"}).status_code == 200
    assert requests.delete(f"{outside.url}/rules/{made['id']}", timeout=PATIENCE).status_code == 204
    assert outside.post("identity/accounts", ANA).status_code == 201


def test_a_rule_for_some_calls_uses_itself_up(outside):
    outside.post("rules", {"system": "identity", "contains": "ana@", "mode": "down", "times": 1})
    assert [outside.post("identity/accounts", ANA).status_code for _ in range(2)] == [503, 201]
    assert outside.ledger()["rules"] == []


def test_what_was_made_can_be_read_and_the_call_shows_in_the_ledger(outside):
    outside.post("identity/accounts", ANA, key="k1")
    made = requests.get(f"{outside.url}/identity/accounts", headers={"X-Trace": "REQ-1"}, timeout=PATIENCE)
    assert [account["id"] for account in made.json()] == ["acc-1001"]
    entry = outside.last()
    assert (entry["method"], entry["trace"], entry["outcome"]) == ("GET", "REQ-1", "read, nothing done")


def test_reset_forgets_everything(outside):
    outside.turn("mail", mode="down")
    outside.post("rules", {"system": "identity", "contains": "ana@", "mode": "down"})
    outside.post("identity/accounts", ANA, key="k1")
    outside.reset()
    ledger = outside.ledger()
    assert (ledger["counts"]["calls"], ledger["rules"], ledger["entries"]) == (0, [], [])
    assert {system["switch"]["mode"] for system in ledger["systems"]} == {"up"}


def test_a_call_that_waits_during_a_reset_does_nothing(outside):
    outside.turn("mail", mode="slow", seconds=60)
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(outside.post("mail/send", {"to": "ana@example.com"})))
    waiting.start()
    outside.wait_for_calls(1)
    outside.reset()
    waiting.join(PATIENCE)
    assert [answer.status_code for answer in answers] == [503]
    assert outside.ledger()["counts"]["effects"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "identity/nothing", {}, 404, "There is /identity/accounts."),
        ("POST", "payroll/salaries", {}, 404, "There are identity, facilities, it, mail."),
        ("PUT", "switches/payroll", {"mode": "up"}, 404, "There is no system payroll."),
        ("PUT", "switches/mail", {"mode": "broken"}, 422, "wrong_data"),
        ("PUT", "switches/mail", {"mode": "down", "times": 0}, 422, "greater than or equal to 1"),
        ("POST", "rules", {"system": "mail", "contains": "", "mode": "down"}, 422, "at least 1 character"),
        ("DELETE", "rules/7", None, 404, "There is no rule 7."),
    ],
)
def test_what_there_is_not_is_refused_with_a_sentence(outside, method, path, body, status, says):
    response = requests.request(method, f"{outside.url}/{path}", json=body, timeout=PATIENCE)
    assert response.status_code == status
    assert says in response.text


def test_the_page_stands_alone(outside):
    page = requests.get(outside.url, timeout=PATIENCE)
    assert page.headers["content-type"].startswith("text/html")
    assert "<h1" in page.text
    assert "//" not in page.text.replace("http://www.w3.org/2000/svg", "").replace("// ", "")


def test_stop_ends_calls_that_wait_and_frees_the_port():
    served = serve(OutsideSystems(time.time))
    client = Client(served.url)
    client.turn("mail", mode="no_answer", seconds=600)
    waiting = threading.Thread(target=client.post, args=("mail/send", {"to": "ana@example.com"}))
    waiting.start()
    client.wait_for_calls(1)
    served.stop()
    waiting.join(PATIENCE)
    assert not waiting.is_alive()
    number = int(served.url.rpartition(":")[2])
    assert ports.free_port(number) == number


def test_a_taken_port_is_replaced():
    first = serve(OutsideSystems(time.time))
    number = int(first.url.rpartition(":")[2])
    second = serve(OutsideSystems(time.time), port=number)
    try:
        assert second.url != first.url
        assert Client(second.url).ledger()["counts"]["calls"] == 0
    finally:
        second.stop()
        first.stop()
