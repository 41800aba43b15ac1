from __future__ import annotations

import sys
import threading
from decimal import Decimal

import pytest

from engine.functions import function
from engine.nodes.function import here, run_function
from engine.rules.outcomes import Failure, Success
from engine.texts import MASK
from engine.values.masking import Masker
from engine.values.strict_json import dumps

NAME = "test.step"


@pytest.fixture
def register(monkeypatch):
    """Register a function for this test only."""
    monkeypatch.setattr("engine.functions._registered", {})

    def as_step(call, name=NAME):
        return function(name)(call)

    return as_step


def run(args=None, secrets=()):
    return run_function(NAME, args or {}, lambda: "req-1-badge-1-abc", Masker(secrets), here)


@pytest.mark.parametrize("result", [None, True, 0, 1.5, "", "text", [], {"a": [1, {"b": None}]}, (1, 2)])
def test_a_result_that_is_json_is_the_steps_result(register, result):
    register(lambda: result)
    assert run() == Success(dumps(result))


def test_arguments_are_given_by_name(register):
    register(lambda account, *, level=1, **rest: [account, level, rest])
    assert run({"account": "a", "more": 2}) == Success(dumps(["a", 1, {"more": 2}]))


def test_the_idempotency_key_is_for_those_who_take_it(register):
    register(lambda idempotency_key: idempotency_key)
    assert run() == Success('"req-1-badge-1-abc"')


@pytest.mark.parametrize(
    ("call", "args", "error"),
    [
        (
            lambda account: 1,
            {},
            "test.step cannot be called with these arguments: missing a required argument: 'account'.",
        ),
        (lambda: 1, {"x": 1}, "got an unexpected keyword argument 'x'"),
        (lambda: {"a": Decimal(1)}, {}, "gave a result that cannot be kept. The value cannot be written as JSON"),
        (lambda: float("nan"), {}, "cannot be kept"),
        (lambda: {1, 2}, {}, "cannot be kept"),
        (lambda: {(1, 2): 3}, {}, "cannot be kept"),
        (lambda: "x" * 1024 * 1024, {}, "gave a result of 1,048,578 bytes; the limit is 1,048,576."),
        (lambda: "\u2022" * 200_000, {}, "gave a result of 1,200,002 bytes"),
    ],
)
def test_what_cannot_be_called_or_kept(register, call, args, error):
    register(call)
    found = run(args)

    assert isinstance(found, Failure)
    assert error in found.error
    assert (found.retryable, found.call, found.must_block) == (False, None, False)


def test_a_result_that_is_nested_too_deeply(register):
    deep: list[object] = []
    for _ in range(200):
        deep = [deep]
    register(lambda: deep)

    assert "nested deeper" in run().error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (KeyError("x"), "test.step failed: KeyError: 'x'"),
        (ValueError(), "test.step failed: ValueError"),
        (RuntimeError("token hunter22 refused"), f"test.step failed: RuntimeError: token {MASK} refused"),
        (SystemExit(3), "test.step failed: SystemExit: 3"),
        (KeyboardInterrupt(), "test.step failed: KeyboardInterrupt"),
        (RecursionError("too deep"), "test.step failed: RecursionError: too deep"),
    ],
    ids=repr,
)
def test_whatever_it_raises_is_a_failure(register, error, sentence):
    def fail():
        raise error

    register(fail)
    assert run(secrets=["hunter22"]) == Failure(sentence)


def test_the_traceback_is_logged_without_secrets(register, caplog):
    def fail():
        raise RuntimeError("token hunter22 refused")

    register(fail)
    run(secrets=["hunter22"])

    assert "Traceback" in caplog.text
    assert f"token {MASK} refused" in caplog.text
    assert "hunter22 refused" not in caplog.text


def test_a_long_error_is_cut_with_a_mark(register):
    def fail():
        raise RuntimeError("x" * 10_000)

    register(fail)
    found = run()
    assert len(found.error) == 2000
    assert found.error.endswith("… (cut)")


def test_of_an_endless_message_nothing_is_kept(register, caplog):
    """It would be cut before it is masked, and half of a sensitive value is not found."""
    secret = "s3cret! " * 10_000

    def fail():
        raise RuntimeError(f"bad {secret}")

    register(fail)
    assert run(secrets=[secret]) == Failure("test.step failed: RuntimeError, whose message has 80,004 characters")
    assert "in fail" in caplog.text
    assert "s3cret" not in caplog.text


def test_an_unknown_function_is_named_with_those_there_are(register):
    register(lambda: 1, "hr.badge")
    register(lambda: 1, "hr.desk")

    assert run().error == "There is no function test.step. Those of the settings' functions: hr.badge, hr.desk."


def test_functions_of_many_threads_do_not_wait_for_each_other(register):
    everybody = threading.Barrier(8)
    register(lambda: everybody.wait(60) >= 0)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(run())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [Success("true")] * 8


def test_a_function_that_ends_its_own_thread_by_sys_exit(register):
    register(lambda: sys.exit("bye"))
    assert run() == Failure("test.step failed: SystemExit: bye")
    assert run() == Failure("test.step failed: SystemExit: bye")
