"""What an audit finds."""

from __future__ import annotations

from typing import NamedTuple


class Difference(NamedTuple):
    """``stored`` and ``history`` are clauses: what the rows have, and what the attempts and the audit events say.

    ``node`` None: it concerns the request as a whole.
    """

    request_id: int
    node: str | None
    stored: str
    history: str

    @property
    def sentence(self) -> str:
        """One sentence for a person."""
        where = f"REQ-{self.request_id}" + (f", step {self.node}," if self.node is not None else "")
        return f"{where} has {self.stored}; by its history: {self.history}."


class Broken(Exception):
    """The history cannot be replayed any further: it does not hold together."""

    def __init__(self, node: str | None, stored: str, history: str) -> None:
        self.node, self.stored, self.history = node, stored, history
        super().__init__(f"{stored}: {history}")
