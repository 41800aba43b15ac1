from __future__ import annotations

from storage.inputs import LIMIT, LONGEST, Inputs, Submitted


def submitted(text: str = "{}") -> Submitted:
    return Submitted(text, "rae@example.com")


def test_what_was_put_there_is_known():
    inputs = Inputs()
    assert inputs.get(1) is None
    inputs.put(1, submitted('{"a": 1}'))
    assert inputs.get(1) == submitted('{"a": 1}')


def test_a_long_input_is_read_each_time_and_many_are_not_kept():
    inputs = Inputs()
    inputs.put(1, submitted("x" * (LONGEST + 1)))
    assert inputs.get(1) is None
    for number in range(LIMIT + 1):
        inputs.put(number, submitted("x" * LONGEST))
    assert inputs.get(0) is None
    assert all(inputs.get(number) for number in range(1, LIMIT + 1))
