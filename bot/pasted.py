"""What people paste into a command: copied from a card, a mail or a terminal, with the marks that came along. Pure."""

from __future__ import annotations

import re

_LINK = re.compile(r"<(?:https?://|mailto:)[^|>\s]*?(?:\|([^>]*))?>", re.IGNORECASE)
_URL = re.compile(r"https?://\S*?\b(REQ-\d+)\b\S*", re.IGNORECASE)
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
_SPACES = re.compile(r"[\s\u00a0\u2007\u202f]+")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
_NOTHING = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad`´'\"‘’‚‛“”„‟«»*~"), "")
_APART = re.compile(r"\b(req(?:uest)?)[\s-]+#?(\d+)\b", re.IGNORECASE)
_ENDS = ",;:.!?()[]"


def plain_words(text: str) -> list[str]:
    """The words alone: no links, quotes, code marks, bold marks or odd spaces, dashes are hyphens, and "req 42" is one
    word. A command that was pasted whole begins behind its name."""
    text = _LINK.sub(_label, text)
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    text = _SPACES.sub(" ", _URL.sub(r"\1", text).translate(_DASHES).translate(_NOTHING))
    text = _APART.sub(r"REQ-\2", text)
    words = [word.strip(_ENDS) for word in text.split()]
    words = [_unslanted(word) for word in words if word]
    while words and words[0].lower() in ("/retrigger", "retrigger"):
        del words[0]
    return words


def _label(link: re.Match[str]) -> str:
    """What a link shows; of one that shows nothing else, its address."""
    return link[1] or link[0].strip("<>")


def _unslanted(word: str) -> str:
    """Without the underscores that make a word italic. None begins or ends so that is ours."""
    return word.strip("_") or word
