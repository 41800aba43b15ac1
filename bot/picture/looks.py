"""How each status looks: a colour, and a symbol and a word beside it, so that nobody has to tell colours apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PIL.ImageDraw import ImageDraw

from engine.states import RequestStatus, StepStatus

INK = "#1d1c1d"
QUIET = "#616061"
PAPER = "#ffffff"
TAKEN = "#1d1c1d"
OPEN = "#b8bcc2"
NOT_TAKEN = "#8d9299"

Point = tuple[float, float]
Sketch = Callable[[ImageDraw, Point, float, str], None]


class Look(NamedTuple):
    """Colours of the border and symbol, and of the box; ``dashed``: the path was not taken."""

    line: str
    fill: str
    sketch: Sketch
    dashed: bool = False


def _ring(draw: ImageDraw, at: Point, r: float, colour: str, *, fill: str | None = None) -> None:
    x, y = at
    draw.ellipse((x - r, y - r, x + r, y + r), outline=colour, fill=fill, width=max(1, round(r / 4)))


def _stroke(draw: ImageDraw, at: Point, r: float, colour: str, *points: Point) -> None:
    x, y = at
    where = [(x + px * r, y + py * r) for px, py in points]
    draw.line(where, fill=colour, width=max(1, round(r / 3)), joint="curve")


def _pending(draw: ImageDraw, at: Point, r: float, colour: str) -> None:
    _ring(draw, at, r, colour)


def _ready(draw: ImageDraw, at: Point, r: float, colour: str) -> None:
    _ring(draw, at, r, colour)
    _ring(draw, at, r * 0.4, colour, fill=colour)


def _running(draw: ImageDraw, at: Point, r: float, colour: str) -> None:
    x, y = at
    draw.polygon([(x - r * 0.7, y - r), (x + r, y), (x - r * 0.7, y + r)], fill=colour)


def _waiting(draw: ImageDraw, at: Point, r: float, colour: str) -> None:
    _ring(draw, at, r, colour)
    _stroke(draw, at, r * 0.8, colour, (0, -0.7), (0, 0), (0.6, 0.3))


def _completed(draw: ImageDraw, at: Point, r: float, colour: str) -> None:
    _stroke(draw, at, r, colour, (-0.9, 0.05), (-0.25, 0.75), (0.95, -0.75))


def _failed(draw: ImageDraw, at: Point, r: float, colour: str) -> None:
    x, y = at
    draw.polygon([(x, y - r), (x + r, y + r * 0.85), (x - r, y + r * 0.85)], outline=colour, width=max(1, round(r / 4)))
    _stroke(draw, at, r, colour, (0, -0.25), (0, 0.3))
    _stroke(draw, at, r, colour, (0, 0.48), (0, 0.66))


def _blocked(draw: ImageDraw, at: Point, r: float, colour: str) -> None:
    _ring(draw, at, r * 1.1, colour, fill=colour)
    _stroke(draw, at, r, PAPER, (-0.45, -0.45), (0.45, 0.45))
    _stroke(draw, at, r, PAPER, (-0.45, 0.45), (0.45, -0.45))


def _skipped(draw: ImageDraw, at: Point, r: float, colour: str) -> None:
    _stroke(draw, at, r, colour, (-0.8, 0), (0.8, 0))


def _cancelled(draw: ImageDraw, at: Point, r: float, colour: str) -> None:
    _ring(draw, at, r, colour)
    _stroke(draw, at, r, colour, (-0.6, 0.6), (0.6, -0.6))


LOOKS = {
    StepStatus.COMPLETED: Look("#1a7f4b", "#e9f7ef", _completed),
    StepStatus.BLOCKED: Look("#c01343", "#fdecf1", _blocked),
    StepStatus.FAILED: Look("#b3610b", "#fff4e5", _failed),
    StepStatus.RUNNING: Look("#1264a3", "#e8f3fb", _running),
    StepStatus.READY: Look("#1264a3", "#f4f9fd", _ready),
    StepStatus.WAITING: Look("#6b3fa0", "#f4effa", _waiting),
    StepStatus.PENDING: Look("#8d9299", "#ffffff", _pending),
    StepStatus.SKIPPED: Look("#8d9299", "#fafafa", _skipped, dashed=True),
    StepStatus.CANCELLED: Look("#8d9299", "#fafafa", _cancelled, dashed=True),
}
REQUEST_COLOURS = {
    RequestStatus.IN_PROGRESS: LOOKS[StepStatus.RUNNING].line,
    RequestStatus.BLOCKED: LOOKS[StepStatus.BLOCKED].line,
    RequestStatus.COMPLETED: LOOKS[StepStatus.COMPLETED].line,
    RequestStatus.FAILED: LOOKS[StepStatus.FAILED].line,
    RequestStatus.REJECTED: LOOKS[StepStatus.BLOCKED].line,
    RequestStatus.WITHDRAWN: QUIET,
}
