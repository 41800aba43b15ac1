"""What buttons and windows carry comes back as it was."""

from __future__ import annotations

import pytest

from bot.targets import (
    ChosenFile,
    OldButton,
    Place,
    Settled,
    Target,
    Ticket,
    unpack_target,
    unpack_ticket,
)
from engine.rules.allowed import Action


def test_tickets_come_back_as_they_were() -> None:
    for ticket in (
        Ticket(Action.WITHDRAW, Target(42), Place()),
        Ticket(Action.FLOW, Target(42, "a", 7), Place("C1", "1.1"), "d", "s", True, True, Settled(4, True, False)),
        Ticket(Action.INPUT, Target(42, "a", 7), Place(), ways="w", file=ChosenFile("F1", "a.json")),
    ):
        assert unpack_ticket(ticket.pack()) == ticket
    for broken in ("", "{}", "[]", '["fly",[1],[],null,null,false,false,null,null,null]', "[1,2,3,4,5,6,7,8,9,10]"):
        with pytest.raises(OldButton):
            unpack_ticket(broken)
    for broken in ("", "7", "[]", "{}", '{"request_id": "x"}'):
        with pytest.raises(OldButton):
            unpack_target(broken)
