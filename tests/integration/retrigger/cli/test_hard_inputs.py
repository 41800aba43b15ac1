"""What no terminal sends by itself, at the door of the command: never a traceback, never more than a sentence."""

from __future__ import annotations

import pytest

from retrigger.cli.group import FAILED, NOT_FOUND, REFUSED
from tests.support.front import Front

WRONG_USE = 2
MANY = 1_000_000
FILES: dict[str, tuple[bytes, int]] = {  # what `submit --input @FILE` ends with
    "a million characters": (b'{"name": "Ada", "note": "' + b"x" * MANY + b'"}', 0),
    "half a surrogate pair, escaped": (b'{"name": "\\ud800"}', 0),
    "an escaped NUL": (b'{"name": "\\u0000"}', 0),
    "too large": (b'{"name": "' + b"x" * 1_100_000 + b'"}', REFUSED),
    "a million brackets": (b"[" * MANY, REFUSED),
    "a NUL byte": (b'{"name": "\0"}', REFUSED),
    "a number of a million digits": (b'{"name": ' + b"9" * MANY + b"}", REFUSED),
    "a million quotes": (b'"' * MANY, REFUSED),
    "invalid UTF-8": (b'{"name": "\xff\xfe"}', WRONG_USE),
    "half a surrogate pair": (b'{"name": "\xed\xa0\x80"}', WRONG_USE),
}
NO_UTF_8 = "\udcff"  # how Python gives the byte ff of a command line
LONG = "k" * 100_000


def test_files_of_every_kind_are_taken_or_refused_with_a_sentence(still: Front):
    file = still.folder / "input.json"
    for name, (content, code) in FILES.items():
        file.write_bytes(content)
        result = still.run("submit", "steps", "--input", f"@{file}")
        assert result.exit_code == code, (name, result.output[:500])
        assert len(result.output) < 500, name
    result = still.run("submit", "steps", "--input", "@/dev/zero")
    assert (result.exit_code, result.stdout) == (REFUSED, "")


@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_definitions_of_every_kind_are_refused_with_a_sentence(still: Front, ending: str):
    file = still.folder / f"wild.{ending}"
    for name, (content, _) in FILES.items():
        file.write_bytes(content)
        result = still.run("workflow", "check", str(file))
        assert result.exit_code == FAILED, name
        assert len(result.output) < 1000, name
    result = still.run("workflow", "check", "/dev/zero")
    assert result.exit_code == FAILED and "larger than 1,048,576 bytes" in result.output


WORDS: list[tuple[tuple[str, ...], int]] = [
    (("submit", NO_UTF_8), NOT_FOUND),
    (("submit", LONG), NOT_FOUND),
    (("submit", "steps", "--input", NO_UTF_8), REFUSED),
    (("submit", "steps", "--requester", NO_UTF_8), REFUSED),
    (("submit", "steps", "--key", NO_UTF_8), REFUSED),
    (("submit", "steps", "--key", LONG), REFUSED),
    (("--as", NO_UTF_8, "submit", "steps"), WRONG_USE),
    (("show", NO_UTF_8), WRONG_USE),
    (("show", "9" * 20), WRONG_USE),
    (("show", "9" * 15), NOT_FOUND),
    (("list", "--app", NO_UTF_8), NOT_FOUND),
    (("list", "--after", "9" * 20), WRONG_USE),
    (("list", "--limit", "9" * 20), WRONG_USE),
    (("step", "REQ-1", NO_UTF_8), NOT_FOUND),
    (("step", "REQ-1", LONG), NOT_FOUND),
    (("withdraw", "REQ-1", "--reason", LONG), REFUSED),
    (("grant", NO_UTF_8, "submit"), WRONG_USE),
    (("grant", LONG, "submit"), WRONG_USE),
    (("grant", "ada@example.com", "submit", "--app", NO_UTF_8), REFUSED),
    (("key", "create", NO_UTF_8), REFUSED),
    (("workflow", "check", NO_UTF_8), FAILED),
    (("--config", NO_UTF_8, "list"), FAILED),
]


def test_words_of_every_kind_are_answered_with_a_sentence(still: Front):
    still.submit()
    for words, code in WORDS:
        result = still.run(*words)
        assert result.exit_code == code, (ascii(words)[:100], result.output[:500])
        assert len(result.output) < 1000, ascii(words)[:100]
