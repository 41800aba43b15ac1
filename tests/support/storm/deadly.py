"""In the midst of a storm, a step that kills its worker every time (SPEC 3.2)."""

from __future__ import annotations

from collections.abc import Iterable

from engine.commands.documents import RequestDocument
from engine.limits import ALONE_FROM_RECOVERY, MAX_RECOVERIES

_BESIDE = ALONE_FROM_RECOVERY  # attempts that may have others beside them: the first, and the recoveries before that


def check_deadly(document: RequestDocument, others: Iterable[RequestDocument]) -> None:
    """It is Blocked after its recoveries; and from the second of them on nobody else's step has died with it."""
    (step, *_) = document.steps
    attempts = step.attempts
    assert (document.status.value, step.status.value) == ("blocked", "blocked"), document
    assert [attempt.outcome for attempt in attempts] == ["lost"] * (1 + MAX_RECOVERIES)
    assert step.recoveries == MAX_RECOVERIES
    workers = [str(attempt.worker) for attempt in attempts]
    assert len(set(workers)) == len(workers), "one worker died twice"
    alone = {str(attempt.worker): attempt.started_at for attempt in attempts[_BESIDE:]}
    for other in others:
        for each in other.steps:
            for a in each.attempts:  # one may be lost by a worker that lives, whose lease could not be renewed
                began = alone.get(str(a.worker)) if a.outcome == "lost" else None
                beside = began is not None and a.ended_at is not None and a.ended_at >= began
                assert not beside, f"{other.id} {each.node}: {a} died with a step that should run alone since {began}"
