"""Words on their way into Slack's mrkdwn: the one escape function, one-line forms, and times.

Everything that came from a request, an outside system or a person passes through here before it is put into a text.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import NamedTuple

from engine.texts import CUT_MARK

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_FORMATTING = re.compile(r"[*~`]|(?<!\w)_|_(?!\w)")  # an underscore within a word formats nothing, and people copy it
_LOOKS_LIKE = {"*": "\u2217", "~": "\u223c", "`": "\u02cb", "_": "\u02cd"}
_WHOLE = (("<", ">", 120), ("&", ";", 5))  # what opens, closes, and how long what must stay whole may be
_JOINER = "\u200d"  # makes one sign of several, such as a family
_CHANGES = re.compile("[\u200d\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")  # the sign before: skin, a flag's region
_FLAGS = "".join(map(chr, range(0x1F1E6, 0x1F200)))  # two of these letters are one flag
_LONGEST_SIGN = 32  # characters; what goes on for longer is no sign that somebody wrote


def clean(text: str) -> str:
    """Without control characters, text-direction marks and lone surrogates, which Slack refuses or shows wrongly."""
    return _UNPRINTABLE.sub(" ", text)


def one_line(text: str, limit: int = 300) -> str:
    """On one line, at most ``limit`` characters. Not escaped: for plain_text, or to be escaped."""
    return cut(" ".join(clean(text).split()), limit)


def escape(text: str) -> str:
    """Harmless in mrkdwn: no mention, link or date can come out of it."""
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def said(text: str, limit: int = 300) -> str:
    """Somebody's words within a line of ours: one line, escaped, and as they were written. ``limit`` is of what Slack
    counts, which is the escaped text: "&" has five characters.

    mrkdwn has no escape for what formats (and renderers differ in what stops it), so that is shown by its look-alike.
    """
    return _FORMATTING.sub(lambda found: _LOOKS_LIKE[found[0]], cut(escape(one_line(text, limit)), limit))


def code(text: str, limit: int = 100) -> str:
    """A name such as a node's, in code style, where a backtick only would be taken for formatting."""
    return f"`{cut(escape(one_line(text, limit)), limit).replace('`', chr(39)) or '–'}`"


def bold(text: str, limit: int = 100) -> str:
    """A person's or a thing's name, in bold."""
    return f"*{said(text, limit) or '–'}*"


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters, cut with the visible mark; never within an entity, a ``<…>`` or one sign."""
    if len(text) <= limit:
        return text
    kept = text[: _between_signs(text, limit - len(CUT_MARK))]
    for opening, closing, longest in _WHOLE:
        start = kept.rfind(opening, max(0, len(kept) - longest))  # a negative place would count from the end
        if start > kept.rfind(closing):
            kept = kept[:start]
    return kept + CUT_MARK


def _between_signs(text: str, end: int) -> int:
    """``end``, or the place before it where no sign is broken: an emoji of several characters, a letter's accents."""
    place = end
    while place > 0 and end - place < _LONGEST_SIGN and _within_sign(text, place):
        place -= 1
    return end if _within_sign(text, place) else place


def _within_sign(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place]
    if before == _JOINER or _CHANGES.match(after) or unicodedata.category(after).startswith("M"):
        return True
    return after in _FLAGS and (place - len(text[:place].rstrip(_FLAGS))) % 2 == 1


class Dates(NamedTuple):
    """Times for people. Slack's date tokens show each reader their own time zone; ``plain`` prints UTC instead, for
    servers that do not draw the tokens."""

    plain: bool = False

    def time(self, at: datetime | float) -> str:
        """Such as "10:42"."""
        moment = _moment(at)
        fallback = f"{moment:%H:%M} UTC"
        return fallback if self.plain else self._token(moment, "{time}", fallback)

    def day(self, at: datetime | float) -> str:
        """Such as "today at 10:42"."""
        moment = _moment(at)
        fallback = f"{moment:%d %b %Y, %H:%M} UTC"
        return fallback if self.plain else self._token(moment, "{date_short_pretty} at {time}", fallback)

    def since(self, at: datetime | float) -> str:
        """Such as "today at 10:42, 3 minutes ago"; where the age cannot be drawn, the time alone."""
        moment = _moment(at)
        fallback = f"{moment:%d %b %Y, %H:%M} UTC"
        return fallback if self.plain else self._token(moment, "{date_short_pretty} at {time}, {ago}", fallback)

    def _token(self, moment: datetime, form: str, fallback: str) -> str:
        return f"<!date^{int(moment.timestamp())}^{form}|{fallback}>"


def lasted(seconds: float) -> str:
    """How long something is so, such as "4 min", "3 h" or "2 days"."""
    for unit, size in (("day", 86400), ("h", 3600), ("min", 60)):
        number = int(seconds // size)
        if number >= 1:
            return f"{number} {unit}{'s' if unit == 'day' and number > 1 else ''}"
    return "less than a minute"


def _moment(at: datetime | float) -> datetime:
    return at.astimezone(UTC) if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
