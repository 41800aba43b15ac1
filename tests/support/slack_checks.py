"""What Slack would say to a message or a view: slack_sdk's own checks, and those of Slack's that it lacks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

Json = dict[str, Any]

DRAWN = {"section", "header", "divider", "context", "actions", "input"}
ELEMENTS = {"button", "plain_text_input", "checkboxes", "radio_buttons", "static_select", "file_input"}
FORBIDDEN = ("<!channel", "<!here", "<!everyone", "<@U0EVIL", "<http")
OURS = re.compile(
    r"<!date\^\d+\^[^<>|]+\|[^<>|]+>|<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>"
)  # what we write in angle brackets, whole
ENTITY = re.compile(r"&(amp|lt|gt);")


def check_message(text: str, blocks: list[Json]) -> None:
    """Fails with what Slack would refuse, or show to everybody, in a message."""
    assert text.strip(), "a message without a plain-text fallback"
    assert len(text.encode()) <= 4000, f"chat.update takes 4,000 bytes of text, these are {len(text.encode())}"
    _check_escaped(text)
    assert len(blocks) <= 50, f"{len(blocks)} blocks"
    assert sum(len(found) for found in texts(blocks)) <= 13_000
    assert all(block["type"] != "input" for block in blocks), "inputs are for views"
    _check_blocks(blocks)


def check_view(view: Json) -> None:
    """Fails with what Slack would refuse in a view."""
    parsed = View(**view)
    parsed.validate_json()
    assert len(view["blocks"]) <= 100
    assert len(json.dumps(view, ensure_ascii=False).encode("utf-8", "surrogatepass")) <= 250_000
    assert len(view.get("private_metadata", "")) <= 3000
    for name in ("title", "submit", "close"):
        assert 0 < len(view.get(name, {"text": "-"})["text"].strip()) <= 24, name
    if any(block["type"] == "input" for block in view["blocks"]):
        assert view["submit"]["text"], "a view with inputs needs a submit button"
    _check_blocks(view["blocks"])


def texts(value: Any, kind: str = "") -> Iterator[str]:
    """Every text in it, or those of one kind: mrkdwn or plain_text."""
    if isinstance(value, dict):
        if isinstance(value.get("text"), str) and kind in ("", value.get("type")):
            yield value["text"]
        for item in value.values():
            yield from texts(item, kind)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item, kind)


def _check_escaped(text: str) -> None:
    assert not any(word in text for word in FORBIDDEN), f"not escaped: {text}"


def _check_blocks(blocks: list[Json]) -> None:
    for parsed in Block.parse_all(blocks):
        assert isinstance(parsed, Block)
        parsed.validate_json()
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    assert len(ids) == len(set(ids)), f"block ids twice: {ids}"
    for block in blocks:
        assert block["type"] in DRAWN, f"unknown block {block['type']}"
        assert len(block.get("block_id", "")) <= 255
        _CHECKS.get(block["type"], lambda block: None)(block)
    for text in texts(blocks):
        assert text.strip(), "an empty text"
        text.encode()  # no lone surrogates
    for text in texts(blocks, "mrkdwn"):
        _check_escaped(text)
        rest = ENTITY.sub("", OURS.sub("", text))
        assert not set("<>&") & set(rest.replace("\n> ", "\n")), f"not escaped, or broken by a cut: {text}"


def _check_section(block: Json) -> None:
    assert "text" in block or block["fields"]
    assert len(block.get("text", {"text": ""})["text"]) <= 3000
    fields = block.get("fields", [])
    assert len(fields) <= 10
    assert all(len(field["text"]) <= 2000 for field in fields)
    if "accessory" in block:
        _check_element(block["accessory"])


def _check_context(block: Json) -> None:
    assert 1 <= len(block["elements"]) <= 10
    assert all(element["type"] in ("mrkdwn", "plain_text") for element in block["elements"])
    assert all(len(element["text"]) <= 2000 for element in block["elements"])


def _check_actions(block: Json) -> None:
    assert 1 <= len(block["elements"]) <= 25
    ids = [element["action_id"] for element in block["elements"]]
    assert len(ids) == len(set(ids)), f"action ids twice in one block: {ids}"
    for element in block["elements"]:
        _check_element(element)


def _check_header(block: Json) -> None:
    assert block["text"]["type"] == "plain_text"
    assert len(block["text"]["text"]) <= 150


def _check_input(block: Json) -> None:
    assert block["label"]["type"] == "plain_text"
    assert len(block["label"]["text"]) <= 2000
    assert len(block.get("hint", {"text": ""})["text"]) <= 2000
    assert block["block_id"], "an input that cannot be found again"
    _check_element(block["element"])


def _check_element(element: Json) -> None:
    assert element["type"] in ELEMENTS, f"unknown element {element['type']}"
    assert 0 < len(element["action_id"]) <= 255
    assert len(element.get("value", "")) <= 2000
    assert len(element.get("initial_value", "").encode("utf-16-le")) <= 2 * 3000
    assert len(element.get("placeholder", {"text": ""})["text"]) <= 150
    if element["type"] == "button":
        assert len(element["text"]["text"]) <= 75
        assert element.get("style", "primary") in ("primary", "danger")
    if element["type"] in ("checkboxes", "radio_buttons"):
        assert 1 <= len(element["options"]) <= 10
    if element["type"] == "static_select":
        assert 1 <= len(element["options"]) <= 100
        assert "initial_option" not in element or element["initial_option"] in element["options"]
        values = [option["value"] for option in element["options"]]
        assert len(values) == len(set(values)), f"an option twice: {values}"
    for option in element.get("options", []):
        assert len(option["text"]["text"]) <= 75
        assert len(option["value"]) <= 150


_CHECKS = {
    "section": _check_section,
    "context": _check_context,
    "actions": _check_actions,
    "header": _check_header,
    "input": _check_input,
}
