"""What makes two blocked steps the same trouble: their connection, and what their errors have in common. Pure.

An error of an outside system repeats what is different in each request (ids, names in quotes, times). The fingerprint
is what is left without it, so it is the same however many requests one outage blocks.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from engine.graph import Graph
from engine.records import Blocked, Request, Step
from engine.states import StepStatus

FINGERPRINT_CHARS = 300  # of an error: what comes later is detail
_QUOTED = re.compile(r'"[^"\n]*"|“[^”\n]*”|`[^`\n]*`|(?<!\w)\'[^\'\n]*\'(?!\w)')
_MAIL = re.compile(r"[^\s@,;:<>()\[\]{}]+@[^\s@,;:<>()\[\]{}]+")
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
# A status that an outside system answered is no detail: 503 and 404 are two troubles.
_NO_STATUS = r"(?!(?:(?<=\banswered )|(?<=\bHTTP ))\d{3}\b)"
# A word with a digit in it, or hexadecimal.
_ID = re.compile(rf"{_NO_STATUS}\b\w*\d\w*\b|\b[a-f]{{8,}}\b", re.IGNORECASE)
_IDS = re.compile(r"#(?:[-_./:,]*#)+")  # of several parts, such as a time's


def fingerprint(error: str) -> str:
    """What an error has in common with those of other requests."""
    return _common(error)[:FINGERPRINT_CHARS].rstrip()


def without_values(error: str) -> str:
    """The same to read: where values of a request stood, and what comes behind the fingerprint, it has "…"."""
    text = _common(error).replace("#", "…")
    return text if len(text) <= FINGERPRINT_CHARS else f"{text[:FINGERPRINT_CHARS].rpartition(' ')[0]} …".lstrip()


def _common(error: str) -> str:
    text = " ".join(error.split())
    for pattern in (_QUOTED, _MAIL, _UUID, _ID):
        text = pattern.sub("#", text)
    return _IDS.sub("#", text)


def cause_key(source: str, error: str) -> str:
    """Stands for the connection ``source`` and the fingerprint of ``error``."""
    return hashlib.sha256(f"{source}\n{fingerprint(error)}".encode()).hexdigest()[:32]


def blocked_by(request: Request, graph: Graph, steps: Mapping[str, Step], node: str, now: float) -> Blocked | None:
    """By what the step is blocked, or None where no connection has to do with it, or it counts no more."""
    step = steps[node]
    source = _source(graph, steps, node)
    if step.status is not StepStatus.BLOCKED or step.stale or source is None:
        return None
    key = cause_key(source, step.error or "")
    return Blocked(request.id, node, key, request.app, source, step.version, now)


def _source(graph: Graph, steps: Mapping[str, Step], node: str) -> str | None:
    """The step's connection; of a sync block, that of the inner step that failed."""
    if node not in graph.nodes:
        return None
    inner = [step for step in graph.inner.get(node, ()) if steps[step.id].status is StepStatus.FAILED]
    return inner[0].connection if inner else graph.nodes[node].connection
