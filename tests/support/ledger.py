"""What the outside saw: no two effects of one intended effect under different keys, unless a person allowed it."""

from __future__ import annotations

from tests.support.hands import Call

_ANY = "any key"


class Ledger:
    """Knows keys, calls and answers, and what people confirmed: neither the engine's rule nor the model's."""

    def __init__(self) -> None:
        self._said: dict[str, object] = {}  # key → the call that was made with it
        self._effect: dict[str, Call] = {}  # node → its latest call that may have taken effect
        self._allowed: dict[str, str] = {}  # node → the other key that a person allowed since

    def arrived(self, call: Call, visit: int) -> None:
        """A call has come in."""
        said = (call.node, visit, call.body)
        assert self._said.setdefault(call.key, said) == said, "one key for two calls"
        last = self._effect.get(call.node)
        if last is not None and last.key != call.key:
            allowed = self._allowed.get(call.node)
            assert allowed in (_ANY, call.key), f"{call.node}: {last.key} may have had an effect, then {call.key}"
            self._allowed[call.node] = call.key
        call.earlier = last
        self._effect[call.node] = call

    def answered(self, call: Call, effect: str | None) -> None:
        """The call is known to have done this."""
        if effect in ("rejected", "not_sent") and self._effect.get(call.node) is call:
            self._effect.pop(call.node)
            if call.earlier is not None:
                self._effect[call.node] = call.earlier

    def confirmed(self, nodes: set[str]) -> None:
        """A person has confirmed that these steps' earlier calls may be repeated."""
        self._allowed |= dict.fromkeys(nodes, _ANY)
