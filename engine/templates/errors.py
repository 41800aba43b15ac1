"""What can go wrong with a template."""

from __future__ import annotations

from engine.errors import RetriggerError


class TemplateError(RetriggerError):
    """A template cannot be read or rendered. ``place`` says which of a value's texts it is ("body.email")."""

    def __init__(self, message: str, place: str = "") -> None:
        self.message, self.place = message, place
        super().__init__(f"{message} (in {place})" if place else message)
