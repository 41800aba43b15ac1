from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from engine.limits import MAX_TOLD_CHARS
from engine.logs.printed import Printed


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def printed(said: list[str]) -> Printed:
    return Printed(1, said.append)


def test_each_line_is_said_once_it_is_whole(printed: Printed, said: list[str]):
    stream = printed.stream()

    print("one\n\n two ", end="", file=stream)
    assert said == ["one"]
    print("is whole", file=stream)

    assert said == ["one", " two is whole"]
    assert (stream.fileno(), stream.isatty()) == (1, False)


def test_what_was_begun_is_a_line_at_the_end(printed: Printed, said: list[str]):
    stream = printed.stream()
    print("begun", end="", file=stream)
    stream.flush()

    printed.end_line()
    printed.end_line()

    assert said == ["begun"]


def test_a_line_without_an_end_is_said_in_pieces(printed: Printed, said: list[str]):
    printed.write(b"o" * (MAX_TOLD_CHARS + 1))
    printed.write(b"k\n")

    assert [len(line) for line in said] == [MAX_TOLD_CHARS + 1, 1]


def test_lines_of_two_threads_are_not_mixed(printed: Printed, said: list[str]):
    printed.write(b"mine ")
    other = threading.Thread(target=printed.write, args=(b"its own\n",))
    other.start()
    other.join()
    printed.write(b"is whole\n")

    assert said == ["its own", "mine is whole"]


def test_bytes_that_are_no_text_are_shown(printed: Printed, said: list[str]):
    printed.write(b"\xff\xfe\n")

    assert said == ["\\xff\\xfe"]


def test_what_goes_wrong_with_saying_it_is_not_said_in_its_turn():
    again: list[Callable[[bytes], int]] = []

    def say(line: str) -> None:
        again[0](b"that failed\n")
        raise OSError(line)

    printed = Printed(2, say)
    again.append(printed.write)

    with pytest.raises(OSError, match="lost"):
        printed.write(b"lost\n")
