"""The one size guard: everything that goes to Slack passes through it and stays inside Slack's limits.

Texts are cut with a visible mark. What carries meaning for us (values, ids, the text of an editor) is never cut: too
long is a defect, and raises. Numbers: characters, from Slack's Block Kit reference.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from bot.text import clean, cut

Block = dict[str, Any]

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MESSAGE_TEXT = 12_000  # all texts of one message; Slack refuses somewhere above 13,200
VIEW_TEXT = 60_000  # of 250 KB for the whole view, in characters of up to 4 bytes
FALLBACK_TEXT = 1_000  # chat.update takes 4,000 bytes
SECTION_TEXT = 3_000
FIELD_TEXT = 2_000
FIELDS = 10
CONTEXT_ELEMENTS = 10
ACTION_ELEMENTS = 25
HEADER_TEXT = 150
BUTTON_TEXT = 75
OPTIONS = 100
OPTION_TEXT = 75
OPTION_VALUE = 150
LABEL_TEXT = 2_000
PLACEHOLDER_TEXT = 150
INPUT_TEXT = 3_000
VALUE = 2_000
ID = 255
TITLE = 24
METADATA = 3_000

EMPTY = "–"  # Slack refuses an empty text


class Message(NamedTuple):
    """What is posted: ``text`` is the plain-text fallback of ``blocks``."""

    text: str
    blocks: list[Block]


def message(text: str, blocks: list[Block]) -> Message:
    """A message inside Slack's limits."""
    return Message(cut(clean(text), FALLBACK_TEXT).strip() or EMPTY, _fit(blocks, MESSAGE_BLOCKS, MESSAGE_TEXT))


def digest(message: Message) -> str:
    """Stands for what a message shows; the ids of its blocks are no part of it."""
    shown = [{name: value for name, value in block.items() if name != "block_id"} for block in message.blocks]
    return hashlib.sha256(json.dumps([message.text, shown], sort_keys=True).encode()).hexdigest()[:32]


def modal(
    title: str,
    blocks: list[Block],
    *,
    callback_id: str = "",
    submit: str = "",
    close: str = "Cancel",
    metadata: str = "",
) -> dict[str, Any]:
    """A modal view inside Slack's limits."""
    view: dict[str, Any] = {
        "type": "modal",
        "title": _plain(title, TITLE),
        "close": _plain(close, TITLE),
        "blocks": _fit(blocks, VIEW_BLOCKS, VIEW_TEXT),
        "private_metadata": _whole(metadata, METADATA, "private_metadata"),
    }
    if callback_id:
        view["callback_id"] = _whole(callback_id, ID, "callback_id")
    if submit:
        view["submit"] = _plain(submit, TITLE)
    return view


def home(blocks: list[Block], *, metadata: str = "") -> dict[str, Any]:
    """An App Home view inside Slack's limits."""
    return {
        "type": "home",
        "blocks": _fit(blocks, VIEW_BLOCKS, VIEW_TEXT),
        "private_metadata": _whole(metadata, METADATA, "private_metadata"),
    }


def _fit(blocks: list[Block], count: int, budget: int) -> list[Block]:
    """At most ``count`` blocks with at most ``budget`` characters of text; what is left out is said."""
    kept: list[Block] = []
    left = budget
    for place, block in enumerate(blocks):
        fitted = _FITTERS[block["type"]](block)
        size = _text_size(fitted)
        room = count - len(kept) - (1 if place < len(blocks) - 1 else 0)
        if size > left or room < 1:
            kept.append(_left_out(len(blocks) - place))
            break
        kept.append(fitted)
        left -= size
    return kept


def _left_out(blocks: int) -> Block:
    text = f"… {blocks} more parts do not fit here. `retrigger` on the command line shows all."
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _text_size(value: Any) -> int:
    """Characters of every text within a block."""
    if isinstance(value, dict):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(_text_size(item) for item in value.values())
    return sum(_text_size(item) for item in value) if isinstance(value, list) else 0


def _section(block: Block) -> Block:
    fitted = dict(block)
    if "text" in block:
        fitted["text"] = _text(block["text"], SECTION_TEXT)
    if "fields" in block:
        fitted["fields"] = [_text(field, FIELD_TEXT) for field in block["fields"][:FIELDS]]
    if "accessory" in block:
        fitted["accessory"] = _element(block["accessory"])
    return _with_id(fitted)


def _header(block: Block) -> Block:
    return _with_id({**block, "text": _text(block["text"], HEADER_TEXT)})


def _context(block: Block) -> Block:
    elements = [_text(element, FIELD_TEXT) for element in block["elements"][:CONTEXT_ELEMENTS]]
    return _with_id({**block, "elements": elements})


def _actions(block: Block) -> Block:
    return _with_id({**block, "elements": [_element(element) for element in block["elements"][:ACTION_ELEMENTS]]})


def _input(block: Block) -> Block:
    fitted = {**block, "label": _text(block["label"], LABEL_TEXT), "element": _element(block["element"])}
    if "hint" in block:
        fitted["hint"] = _text(block["hint"], LABEL_TEXT)
    return _with_id(fitted)


_FITTERS: dict[str, Callable[[Block], Block]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "divider": lambda block: block,
}


def _element(element: Block) -> Block:
    fitted = dict(element)
    _whole(str(element.get("action_id", "")), ID, "action_id")
    _whole(str(element.get("value", "")), VALUE, "value")
    _whole(str(element.get("initial_value", "")), INPUT_TEXT, "initial_value")
    if "text" in element:
        fitted["text"] = _text(element["text"], BUTTON_TEXT)
    if "placeholder" in element:
        fitted["placeholder"] = _text(element["placeholder"], PLACEHOLDER_TEXT)
    if "options" in element:
        fitted["options"] = [_option(option) for option in element["options"][:OPTIONS]]
    if "initial_option" in element:
        fitted["initial_option"] = _option(element["initial_option"])
    return fitted


def _option(option: Block) -> Block:
    _whole(option["value"], OPTION_VALUE, "value of an option")
    return {**option, "text": _text(option["text"], OPTION_TEXT)}


def _text(text: Block, limit: int) -> Block:
    shown = clean(text["text"])
    return {**text, "text": cut(shown, limit) if shown.strip() else EMPTY}


def _plain(text: str, limit: int) -> Block:
    return {"type": "plain_text", "text": cut(text, limit) or EMPTY}


def _with_id(block: Block) -> Block:
    _whole(str(block.get("block_id", "")), ID, "block_id")
    return block


def _whole(text: str, limit: int, what: str) -> str:
    if len(text) > limit:
        raise ValueError(f"{what} has {len(text)} characters, Slack takes {limit}: {text[:80]}…")
    return text
