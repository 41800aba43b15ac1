"""Publishing the workflow files that the settings name, at start (SPEC 10)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from engine import events
from engine.definition import DefinitionError, Workflow, load, missing_in_settings
from engine.errors import RetriggerError
from engine.functions import function_names
from engine.limits import MAX_DEFINITION_BYTES
from engine.ports.store import Store
from engine.records import Event
from retrigger.settings import Settings

SUFFIXES = (".yaml", ".yml", ".json")


class FileUnusable(RetriggerError):
    """A workflow file, or a folder of them, cannot be read."""


class Definition(NamedTuple):
    """One file: the workflow in it, or every reason why there is none."""

    file: Path
    workflow: Workflow | None
    problems: tuple[str, ...] = ()


class Publication(NamedTuple):
    """What became of a file. ``version`` is None when it did not pass; then what was published before stays in force.
    ``new``: it was not published before."""

    file: Path
    name: str | None
    version: int | None
    new: bool
    problems: tuple[str, ...]


def publish_all(settings: Settings, store: Store) -> list[Publication]:
    """Publish every workflow file of the settings that is new or changed. The settings' functions must be loaded."""
    return [_publish(definition, store) for definition in read_all(settings)]


def read_all(settings: Settings) -> list[Definition]:
    """Every workflow file of the settings, checked against its connections and the loaded functions."""
    found: list[Definition] = []
    owners: dict[str, Path] = {}
    for path in settings.workflows:
        try:
            files = workflow_files(path)
        except FileUnusable as error:
            found.append(Definition(path, None, (str(error),)))
            continue
        for file in files:
            definition = read_definition(file, function_names(), settings.connections, bool(settings.api.public_url))
            if definition.workflow is not None:
                first = owners.setdefault(definition.workflow.name, file)
                if first is not file:
                    twice = f"{file}: workflow {definition.workflow.name} is in {first} already; rename one of them"
                    definition = Definition(file, None, (twice,))
            found.append(definition)
    return found


def workflow_files(path: Path) -> Sequence[Path]:
    """The workflow files at ``path``: itself, or those directly in a folder. Raises FileUnusable."""
    try:
        if path.is_dir():
            return sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file())
        if path.is_file():
            return [path]
    except OSError as error:
        raise FileUnusable(f"{path} cannot be read: {error.strerror}.") from None
    raise FileUnusable(f"{path} does not exist. Make it, or correct `workflows` in the settings.")


def read_definition(
    file: Path, functions: Collection[str] | None, connections: Collection[str] | None, public_url: bool | None
) -> Definition:
    """The workflow of a file, or its problems. ``public_url``: whether api.public_url is set. None: it is not known, so
    not checked."""
    try:
        workflow = load(_text(file), str(file))
    except DefinitionError as error:
        return Definition(file, None, _sentences(error.problems))
    except FileUnusable as error:
        return Definition(file, None, (str(error),))
    problems = _sentences(missing_in_settings(workflow, functions, connections, public_url))
    return Definition(file, None if problems else workflow, problems)


def _text(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.read(MAX_DEFINITION_BYTES + 1)  # enough to be told that it is too large
    except UnicodeDecodeError:
        raise FileUnusable(f"{file} is not UTF-8 text; save it as UTF-8.") from None
    except OSError as error:
        raise FileUnusable(f"{file} cannot be read: {error.strerror}.") from None


def _publish(definition: Definition, store: Store) -> Publication:
    workflow = definition.workflow
    if workflow is None:
        return Publication(definition.file, None, None, False, definition.problems)
    by_file = Event(None, events.PUBLISHED, 0.0, by=str(definition.file), actor="settings", door="settings")
    version, new = store.publish(workflow.name, workflow.app, workflow.document(), workflow.digest, by_file)
    return Publication(definition.file, workflow.name, version, new, ())


def _sentences(problems: Iterable[object]) -> tuple[str, ...]:
    return tuple(map(str, problems))
