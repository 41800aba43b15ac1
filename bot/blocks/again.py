"""A submitted window once more, as it was and with what was typed in it, where nothing was done (SPEC 4). It is made of
the window alone, since a database that is away may be why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.blocks import fit
from bot.blocks.fit import Block
from bot.blocks.parts import NOTICE, notice


def shown_again(view: Mapping[str, Any], state: Mapping[str, Any], why: str) -> dict[str, Any]:
    """``view`` and ``state`` as Slack sent them; ``why`` nothing was done. Only a file has to be chosen anew: Slack
    takes none for a window that it is to show."""
    kept = [_filled(block, state) for block in view["blocks"] if block.get("block_id") != NOTICE]
    return fit.modal(
        view["title"]["text"],
        [notice(why), *kept],
        callback_id=view["callback_id"],
        submit=view["submit"]["text"],
        close=view["close"]["text"],
        metadata=view["private_metadata"],
    )


def _filled(block: Block, state: Mapping[str, Any]) -> Block:
    """A field's block and element share one id."""
    if block["type"] != "input":
        return block
    given = (state.get(block["block_id"]) or {}).get(block["block_id"]) or {}
    element = dict(block["element"])
    if "value" in given:
        element.pop("initial_value", None)
        element |= {"initial_value": given["value"]} if given["value"] else {}
    if "selected_options" in given:
        element.pop("initial_options", None)
        chosen = [option["value"] for option in given["selected_options"]]
        ticked = [option for option in element["options"] if option["value"] in chosen]
        element |= {"initial_options": ticked} if ticked else {}
    if given.get("selected_option"):
        chosen = given["selected_option"]["value"]
        element["initial_option"] = next(option for option in element["options"] if option["value"] == chosen)
    return {**block, "element": element}
