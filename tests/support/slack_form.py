"""What a person typed and ticked in a window, as Slack sends it."""

from __future__ import annotations

from typing import Any


def typed(**fields: Any) -> dict[str, dict[str, dict[str, Any]]]:
    """By the fields' names: a text, or True for a ticked box."""

    def value(name: str, given: Any) -> dict[str, Any]:
        if given is True:
            return {"type": "checkboxes", "selected_options": [{"value": name}]}
        return {"type": "plain_text_input", "value": given}

    return {name: {name: value(name, given)} for name, given in fields.items()}
