"""What Provide input has beside the other windows: the editor, the file, and what the result will do (SPEC 4)."""

from __future__ import annotations

from collections.abc import Sequence

from bot.blocks import fit
from bot.blocks.fit import Block
from bot.blocks.parts import context, file_input, section, text_input
from bot.text import bold, code, said
from engine import texts
from engine.rules.outlook import Outlook, Reader, Way

BODY = "request_body"
FILE = "file"
_FILE_HINT = "Of at most 1 MiB. A file that is chosen counts instead of the text above."
_MOST = 12  # readers, and decisions, that are named


def editor(draft: str, typed: str | None, file_name: str | None, files: bool) -> list[Block]:
    """The editor, begun with what was ``typed`` or with the ``draft``, and the field for a file where Slack has one.
    ``file_name``: of the file that was chosen in the window before, and still counts."""
    if file_name is not None:
        kept = f"The file {bold(file_name)} counts, unless you write here or choose another."
        blocks = [context(kept), text_input(BODY, texts.PROVIDE_INPUT_LABEL, multiline=True)]
    elif typed is not None or not is_long(draft):
        begun = draft if typed is None else typed
        required = not files  # a file may come instead
        blocks = [text_input(BODY, texts.PROVIDE_INPUT_LABEL, initial=begun, multiline=True, optional=not required)]
    else:
        blocks = _preview(draft, files)
    if files:
        blocks.append(file_input(FILE, "Or a .json file", ("json",), hint=_FILE_HINT))
    return blocks


def is_long(draft: str) -> bool:
    """Whether a draft is too long for Slack's editor, so that it is shown in part and kept by the engine."""
    return len(draft) > fit.INPUT_TEXT


def outlook_lines(outlook: Outlook) -> list[Block]:
    """Who will read the result, and which way decisions go with the text that the window shows."""
    readers = [_reader(reader) for reader in outlook.readers]
    lines = [f"Who reads this result: {_some(readers, '; ')}." if readers else "No later step reads this result."]
    ways = [_way(way) for way in outlook.ways]
    if ways:
        lines.append(f"With this text: {_some(ways, '; ')}.")
    return [section("\n".join(lines))]


def _preview(draft: str, files: bool) -> list[Block]:
    sent = " The whole is sent to you as a file, in Retrigger's direct messages: edit it, and choose it below."
    hint = f"Left empty, the whole text above ({len(draft)} characters) is submitted as it is."
    return [
        section(
            f"The text to start from is too long for Slack's editor.{sent if files else ''} "
            f"It begins:\n{code(draft, 2000)}"
        ),
        text_input(BODY, texts.PROVIDE_INPUT_LABEL, hint=hint, multiline=True),
    ]


def _reader(reader: Reader) -> str:
    fields = "all of it" if "" in reader.fields else ", ".join(map(code, reader.fields[:_MOST]))
    return f"{code(reader.node)} reads {fields}"


def _way(way: Way) -> str:
    if way.target is None:
        return f"{code(way.node)} cannot be told yet, {said(way.why or '')}"
    return f"{code(way.node)} goes to {code(way.target)}"


def _some(parts: Sequence[str], between: str) -> str:
    more = [f"and {len(parts) - _MOST} more"] if len(parts) > _MOST else []
    return between.join([*parts[:_MOST], *more])
