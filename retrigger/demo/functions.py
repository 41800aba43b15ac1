"""The function that the demo's workflow calls: a badge number, made without asking anybody."""

from __future__ import annotations

from typing import Any

from engine.functions import function

PLACES = {"lisbon": "LIS", "berlin": "BER", "toronto": "TOR"}


@function("hr.badge_number")
def badge_number(account: str, office: str) -> dict[str, Any]:
    """The badge of ``account`` at ``office``: place, number and check digit, the same each time it is asked for.

    Raises ValueError for an account that has no number in it.
    """
    number = account.rpartition("-")[2]
    if not number.isdecimal():
        raise ValueError(f"the account {account!r} does not end in a number, as in acc-1001")
    check = sum(int(digit) * weight for weight, digit in enumerate(reversed(number), start=2)) % 11
    return {"badge": f"{PLACES.get(office.lower(), 'HQ')}-{number}-{'X' if check == 10 else check}"}
