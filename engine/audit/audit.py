"""One request: every difference between what is stored of it and what its history says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from engine.audit.difference import Broken, Difference
from engine.audit.facts import Graphs
from engine.audit.invariants import contradictions
from engine.audit.replay import Replay
from engine.audit.same import clauses, unlike
from engine.errors import RetriggerError
from engine.records import Request, Step
from engine.states import StepStatus
from engine.stored import History

# What no attempt and no event tells: who asked, what is told in Slack, and leases, which are renewed without a trace.
# Nor when a step that is ready became due: the clock may have been set back since, and then it is due all the same.
_OF_REQUEST = frozenset({"id", "workflow", "app", "requester", "alerted", "pruned_at"})
_OF_STEP = frozenset({"request_id", "node", "lease_until"})


def audit(history: History, graphs: Graphs) -> list[Difference]:
    """Everything that does not agree, each once. ``graphs`` gives the graph of a version of the request's workflow."""
    found = list(_rebuilt(history, graphs)) + list(contradictions(history, _inner(history, graphs)))
    return list(dict.fromkeys(found))


def _inner(history: History, graphs: Graphs) -> set[str]:
    """The steps inside sync blocks, in any version that the request was on."""
    inner: set[str] = set()
    for version in {history.request.workflow_version, *(a.start.workflow_version for a in history.attempts)}:
        with suppress(Exception):  # a version that is not there: the replay says so
            inner |= graphs(version).block_of.keys()
    return inner


def _rebuilt(history: History, graphs: Graphs) -> Iterator[Difference]:
    """The rows, against those that the rules make of the history."""
    request_id = history.request.id
    try:
        replay = Replay(history, graphs)
        try:
            replay.run()
        finally:
            yield from replay.found
    except Broken as broken:
        yield Difference(request_id, broken.node, broken.stored, broken.history)
    except RetriggerError as error:  # a version that is not there, or cannot be read
        yield Difference(request_id, None, "a history that cannot be replayed", str(error).rstrip("."))
    except Exception as error:  # rows that no rule was made for; the audit of the other requests goes on
        yield Difference(request_id, None, "a history that cannot be replayed", f"it meets {type(error).__name__}")
    else:
        yield from _request(history.request, replay.request)
        yield from _steps(history, replay.steps)


def _request(stored: Request, made: Request) -> Iterator[Difference]:
    for name, its, mine in unlike(stored, made, _OF_REQUEST):
        yield Difference(stored.id, None, *clauses(name, its, mine))


def _steps(history: History, made: dict[str, Step]) -> Iterator[Difference]:
    request_id = history.request.id
    stored = {step.node: step for step in history.steps}
    for node in stored.keys() - made.keys():
        yield Difference(request_id, node, "a row", "there is no such step")
    for node in made.keys() - stored.keys():
        yield Difference(request_id, node, "no row", "there is such a step")
    for node in stored.keys() & made.keys():
        step = stored[node]
        is_due = step.status is StepStatus.READY and step.due_at is not None
        for name, its, mine in unlike(step, made[node], _OF_STEP | {"due_at"} if is_due else _OF_STEP):
            yield Difference(request_id, node, *clauses(name, its, mine))
