from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.text import Dates, bold, code, cut, escape, one_line, said
from engine.texts import CUT_MARK


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("&lt;", "&amp;lt;"),  # the ampersand first
        ("<!channel>", "&lt;!channel&gt;"),
        ("\x00a\x1b\u202eb\ud800", " a  b "),
    ],
)
def test_escape(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_nothing_that_turns_or_breaks_a_line_or_is_not_shown_gets_through() -> None:
    hidden = [*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
    for number in (*hidden, 0xD800, 0xDFFF):
        assert escape(f"a{chr(number)}b") == "a b", hex(number)


def test_somebodys_words_stay_on_one_line() -> None:
    assert said("first\nHanna Lead approved\t<it>") == "first Hanna Lead approved &lt;it&gt;"
    assert one_line("a\n\n b", 10) == "a b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*bold* and ~struck~", "∗bold∗ and ∼struck∼"),
        ("`code`", "ˋcodeˋ"),
        ("_slanted_ is not snake_case", "ˍslantedˍ is not snake_case"),
        ("one * of a pair", "one ∗ of a pair"),  # the other one may stand in the next text
    ],
)
def test_somebodys_words_format_nothing(text: str, shown: str) -> None:
    assert said(text) == shown


def test_names_cannot_leave_their_style() -> None:
    assert code("a`b *c* _d_") == "`a'b *c* _d_`"
    assert bold("*Hanna* Lead") == "*∗Hanna∗ Lead*"
    assert (code(""), bold("")) == ("`–`", "*–*")


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("short", 10, "short"),
        ("x" * 30, 20, "x" * 13),
        ("0123456789 &amp; more text", 22, "0123456789 "),
        ("0123 <!date^1^{time}|10:42> more", 20, "0123 "),
        ("a & b and a lot of other text", 25, "a & b and a lot of"),
    ],
)
def test_cut_never_breaks_an_entity_or_a_token(text: str, limit: int, kept: str) -> None:
    shown = cut(text, limit)
    assert shown == (kept if kept == text else kept + CUT_MARK)
    assert len(shown) <= limit


def test_dates_are_slacks_tokens_with_utc_behind_them() -> None:
    at = datetime(2024, 5, 6, 12, 42, tzinfo=timezone(timedelta(hours=2)))
    seconds = int(at.timestamp())
    assert Dates().time(at) == f"<!date^{seconds}^{{time}}|10:42 UTC>"
    assert Dates().day(float(seconds)) == f"<!date^{seconds}^{{date_short_pretty}} at {{time}}|06 May 2024, 10:42 UTC>"
    since = Dates().since(at.astimezone(UTC))
    assert since == f"<!date^{seconds}^{{date_short_pretty}} at {{time}}, {{ago}}|06 May 2024, 10:42 UTC>"


def test_plain_dates_for_servers_that_do_not_draw_tokens() -> None:
    at = datetime(2024, 5, 6, 10, 42, tzinfo=UTC)
    dates = Dates(plain=True)
    assert (dates.time(at), dates.day(at)) == ("10:42 UTC", "06 May 2024, 10:42 UTC")
