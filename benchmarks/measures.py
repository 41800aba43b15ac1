"""What the systems that are compared are measured by."""

from __future__ import annotations

import resource

STEPS = 5  # of each request


def cpu() -> float:
    """Seconds of CPU so far, of this process and of those that it has seen the end of."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(it.ru_utime + it.ru_stime for it in used)
