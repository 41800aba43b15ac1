"""The few kinds of blocks that everything is built of. Texts given as ``mrkdwn`` are escaped already (bot.text)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from bot.blocks import fit
from bot.blocks.fit import Block, Message
from bot.text import clean, escape, said

NOTICE = "notice"  # the id of its block: a later one takes its place
PARAGRAPH = 2_500  # characters; Slack takes 3,000
LISTED = 10_000  # characters of the items of one list: a window has room for four, beside its fields


def header(text: str) -> Block:
    """Large plain text."""
    return {"type": "header", "text": plain(text)}


def section(mrkdwn: str, *, block_id: str = "", accessory: Block | None = None) -> Block:
    """A paragraph, with a button beside it or none."""
    block: Block = {"type": "section", "text": marked(mrkdwn)}
    if block_id:
        block["block_id"] = block_id
    if accessory is not None:
        block["accessory"] = accessory
    return block


def sections(lines: Iterable[str], between: str = "\n") -> list[Block]:
    """Lines in as few paragraphs as they fit in."""
    found: list[str] = []
    for line in lines:
        if found and len(found[-1]) + len(line) < PARAGRAPH:
            found[-1] += f"{between}{line}"
        else:
            found.append(line)
    return [section(text) for text in found]


def listed(head: str, items: Sequence[str], comma: str = ",") -> list[Block]:
    """A sentence that names ``items``, in as many paragraphs as it takes; of those past ``LISTED``, how many there are.
    None where there are no items."""
    if not items:
        return []
    sizes = accumulate(len(item) + len(f"{comma} ") for item in items)
    shown = items[: max(1, sum(size <= LISTED for size in sizes))]
    more = [f"and {len(items) - len(shown)} more"] if len(items) > len(shown) else []
    *others, last = *shown, *more
    return sections([head, *(f"{item}{comma}" for item in others), f"{last}."], " ")


def context(mrkdwn: str, *, block_id: str = "") -> Block:
    """A small line."""
    block: Block = {"type": "context", "elements": [marked(mrkdwn)]}
    if block_id:
        block["block_id"] = block_id
    return block


def paragraph(text: str) -> Message:
    """A message of one paragraph; not escaped yet."""
    return fit.message(escape(text), [section(escape(text))])


def notice(text: str) -> Block:
    """Why a window is shown once more; not escaped yet."""
    return section(f"⚠️ {said(text, 1000)}", block_id=NOTICE)


def divider() -> Block:
    """A thin line across."""
    return {"type": "divider"}


def actions(elements: list[Block], *, block_id: str) -> Block:
    """A row of buttons."""
    return {"type": "actions", "block_id": block_id, "elements": elements}


def button(label: str, action_id: str, value: str, *, style: str = "") -> Block:
    """``style``: primary (one, at most, in a message's section), danger, or none."""
    element: Block = {"type": "button", "text": plain(label), "action_id": action_id, "value": value}
    if style:
        element["style"] = style
    return element


def menu(action_id: str, options: Mapping[str, str], chosen: str, *, label: str) -> Block:
    """A choice of one. ``options``: what each is for, by its value; ``label`` is told by screen readers and shown while
    nothing is chosen."""
    listed = {value: {"text": plain(text), "value": value} for value, text in options.items()}
    element: Block = {"type": "static_select", "action_id": action_id, "placeholder": plain(label)}
    element["options"] = list(listed.values())
    if chosen in listed:
        element["initial_option"] = listed[chosen]
    return element


def text_input(
    block_id: str,
    label: str,
    *,
    initial: str = "",
    placeholder: str = "",
    hint: str = "",
    multiline: bool = False,
    longest: int = 0,
    optional: bool = True,
) -> Block:
    """A field whose block and element share one id. ``longest`` in characters; 0: as long as Slack takes."""
    element: Block = {"type": "plain_text_input", "action_id": block_id, "multiline": multiline}
    if initial:
        element["initial_value"] = initial
    if longest:
        element["max_length"] = longest
    if placeholder:
        element["placeholder"] = plain(placeholder)
    return _input(block_id, label, element, hint, optional)


def file_input(block_id: str, label: str, kinds: Sequence[str], *, hint: str = "") -> Block:
    """A field for one file with one of these endings; never required."""
    element: Block = {"type": "file_input", "action_id": block_id, "filetypes": list(kinds), "max_files": 1}
    return _input(block_id, label, element, hint, optional=True)


def tick_box(block_id: str, label: str, text: str, *, hint: str = "") -> Block:
    """One check box; its block, element and option share one id. Never required by Slack: the engine decides."""
    option: Block = {"text": plain(text), "value": block_id}
    element: Block = {"type": "checkboxes", "action_id": block_id, "options": [option]}
    return _input(block_id, label, element, hint, optional=True)


def radio_buttons(block_id: str, label: str, choices: Mapping[str, str], chosen: str) -> Block:
    """One of several, by its value; its block and element share one id."""
    options: list[Block] = [{"text": plain(text), "value": value} for value, text in choices.items()]
    initial = next(option for option in options if option["value"] == chosen)
    element: Block = {"type": "radio_buttons", "action_id": block_id, "options": options, "initial_option": initial}
    return _input(block_id, label, element, "", optional=False)


def plain(text: str) -> Block:
    """plain_text is shown as it is, so it needs no escaping; ``:words:`` in data stay words."""
    return {"type": "plain_text", "text": clean(text), "emoji": False}


def marked(mrkdwn: str) -> Block:
    """``verbatim``: what looks like a link, channel or name in somebody's data is not made one."""
    return {"type": "mrkdwn", "text": mrkdwn, "verbatim": True}


def _input(block_id: str, label: str, element: Block, hint: str, optional: bool) -> Block:
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": element,
        "optional": optional,
    }
    if hint:
        block["hint"] = plain(hint)
    return block
