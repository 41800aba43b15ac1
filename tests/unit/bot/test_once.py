"""What came before is known for ten minutes, and of many that come at once one counts (SPEC 7)."""

from __future__ import annotations

import threading
import time

from bot.once import KEPT, Once


def test_a_value_is_made_once_and_forgotten_in_time() -> None:
    now = [0.0]
    once: Once[str] = Once(clock=lambda: now[0])
    assert once.get("click-1", lambda: "first") == ("first", True)
    now[0] = KEPT - 1
    assert once.get("click-1", lambda: "second") == ("first", False)
    assert once.get("click-2", lambda: "another") == ("another", True)
    now[0] = KEPT
    assert once.get("click-1", lambda: "second") == ("second", True), "a repetition keeps nothing for longer"
    assert once.get("click-2", lambda: "second") == ("another", False)


def test_what_is_forgotten_costs_no_memory() -> None:
    now = [0.0]
    once: Once[int] = Once(clock=lambda: now[0])
    for number in range(100):
        now[0] += KEPT / 10
        once.get(f"click-{number}", lambda: 1)
    assert len(once._kept) == 10


def test_of_those_that_come_at_once_one_makes_the_value() -> None:
    once: Once[int] = Once()
    made: list[int] = []
    gate = threading.Barrier(8)
    answers: list[tuple[int, bool]] = []

    def make() -> int:
        time.sleep(0.01)
        made.append(len(made))
        return made[-1]

    def come() -> None:
        gate.wait()
        answers.append(once.get("click-1", make))

    threads = [threading.Thread(target=come) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [0]
    assert sorted(answers) == [(0, False)] * 7 + [(0, True)]
