"""What the four outside systems of the demo are, and what each of them makes when it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Resource:
    """One thing a system makes: the fields it needs, the status of its answer, and the answer itself."""

    needs: tuple[str, ...]
    make: Callable[[int, Body], dict[str, Any]]
    """From the running number of this kind of thing and the call's body."""
    status: int = 201


@dataclass(frozen=True)
class System:
    """An outside system: what people call it, and its resources by the path they are made at."""

    title: str
    about: str
    resources: Mapping[str, Resource]


def _account(number: int, body: Body) -> dict[str, Any]:
    return {"id": f"acc-{1000 + number}", "email": body["email"], "name": body.get("name", "")}


def _desk(number: int, body: Body) -> dict[str, Any]:
    floor = 2 + number % 3
    return {"desk": f"{floor}.{10 + number}", "floor": floor, "office": body.get("office", "Lisbon")}


def _laptop(number: int, body: Body) -> dict[str, Any]:
    return {
        "laptop": f"LT-{4000 + number}",
        "model": body.get("model", "14 inch"),
        "pick_up": "IT counter, ground floor",
    }


def _shipment(number: int, body: Body) -> dict[str, Any]:
    return {"laptop": f"LT-{5000 + number}", "tracking": f"SHP-{77000 + 13 * number}", "days": 2}


def _message(number: int, body: Body) -> dict[str, Any]:
    return {"sent": True, "message_id": f"msg-{number:04d}", "to": body["to"]}


CATALOG: Mapping[str, System] = {
    "identity": System("Identity", "creates accounts", {"accounts": Resource(("email",), _account)}),
    "facilities": System("Facilities", "gives out desks", {"desks": Resource(("account",), _desk)}),
    "it": System(
        "IT",
        "prepares and ships laptops",
        {"laptops": Resource(("account",), _laptop), "shipments": Resource(("account",), _shipment)},
    ),
    "mail": System("Mail", "sends messages", {"send": Resource(("to",), _message, status=200)}),
}
