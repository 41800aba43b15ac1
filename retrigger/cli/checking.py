"""`retrigger doctor`."""

from __future__ import annotations

import click


def register(group: click.Group) -> None:
    """Add the commands of this file."""
