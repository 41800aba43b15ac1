"""Retrigger on requests of five HTTP calls. The variant is the address of the outside system."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measures import STEPS
from benchmarks.retrigger import SOMEONE, Client, opened
from benchmarks.retrigger_worker import write_settings

AT_ONCE = 64  # calls: they wait for most of their time, so more of them than processors could carry out
INPUT = {"email": "ada@example.com"}
_NODE = (
    "  step_{place}: {{action: {{connection: outside, method: POST, path: /accounts, "
    'body: {{email: "{{{{ request.input.email }}}}", place: {place}}}}}}}\n'
)
_CONNECTIONS = """
slots: {slots}
connections:
  outside: {{base_url: "{url}"}}
"""


class Calls(Client):
    """What is submitted has an input, which each call renders."""

    def submit(self) -> None:
        self._app.engine.submit(SOMEONE, "calls", INPUT)


@contextmanager
def client(url: str, variant: str, *, embedded: bool) -> Iterator[Client]:
    """See benchmarks.systems."""
    nodes = "".join(_NODE.format(place=place) for place in range(STEPS))
    calls = f"workflow: calls\napp: Bench\nnodes:\n{nodes}"
    with tempfile.TemporaryDirectory() as folder:
        more = _CONNECTIONS.format(slots=AT_ONCE, url=variant)
        with opened(write_settings(Path(folder), url, "apscheduler", more, calls=calls), running=embedded) as app:
            yield Calls(app, "calls")
