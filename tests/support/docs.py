"""Reading the documentation as a person does: code blocks, tables, commands, links."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click

from retrigger.cli import command

ROOT = Path(__file__).parents[2]


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language, as they are written, without the indentation of a list they stand in."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table behind a line; its head is left out."""
    behind = text[text.index(f"\n{heading}\n") :]
    table = re.search(r"^\|.*\n\| ---.*\n((?:\|.*\n)+)", behind, re.MULTILINE)
    assert table is not None, f"no table behind {heading}"
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table[1].splitlines()]


def words(cell: str) -> list[str]:
    """What stands in a cell as code."""
    return re.findall(r"`([^`]+)`", cell)


def links(text: str) -> list[str]:
    """Links to files, without the place in them."""
    return [link for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text) if "://" not in link]


def command_lines(text: str) -> list[str]:
    """Every use of `retrigger`, in shell blocks and in the running text."""
    shell = [line for block in blocks(text, "sh") for line in block.splitlines() if line.startswith("retrigger ")]
    return shell + re.findall(r"`(retrigger [^`]+)`", text)


def problem_of_command(line: str) -> str | None:
    """Why a command cannot be typed like that; None when it can. Nothing is run, no value is looked at, and arguments
    may be left out, as where a text only names a command."""
    words = shlex.split(line.partition(" > ")[0])[1:]
    if "COMMAND" in words:
        return None
    current: click.Command = command
    context = click.Context(current, info_name="retrigger")
    try:
        while isinstance(current, click.Group):
            _, rest, _ = current.make_parser(context).parse_args(list(words))
            name, *words = rest
            found = current.get_command(context, name)
            if found is None:
                return f"{line}: there is no command {name}"
            current, context = found, click.Context(found, context, name)
        _, rest, _ = current.make_parser(context).parse_args(list(words))
    except (click.UsageError, ValueError) as error:
        return f"{line}: {error}"
    return f"{line}: too much: {rest}" if rest else None
