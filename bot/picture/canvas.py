"""Pillow, as far as a picture needs it: everything is given in pixels of a picture that is not enlarged."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from bot.picture.looks import INK, PAPER, Look, Point

MAX_PIXELS = 16_000_000  # of the whole picture; what is larger is drawn smaller
SHARP = 2.0  # times as large: readable when a screen enlarges it
DASH, SPACE = 6.0, 5.0


class Canvas:
    """``width`` and ``height`` in pixels; enlarged as far as the picture does not become too large."""

    def __init__(self, width: float, height: float) -> None:
        self._scale = min(SHARP, (MAX_PIXELS / max(width * height, 1.0)) ** 0.5)
        size = (max(1, round(width * self._scale)), max(1, round(height * self._scale)))
        self._image = Image.new("RGB", size, PAPER)
        self.draw = ImageDraw.Draw(self._image)

    def png(self) -> bytes:
        """Few colours are in it, so that a palette holds them, and the file stays small."""
        kept = BytesIO()
        few = self._image.quantize(128, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        few.save(kept, "PNG", compress_level=6)
        return kept.getvalue()

    def text(self, at: Point, text: str, size: float, colour: str = INK, *, strong: bool = False) -> None:
        """``at``: left, and the middle of the line. ``strong``: heavier."""
        x, y = self._at(at)
        weight = max(1, round(self._scale * 0.3)) if strong else 0
        font = _font(round(size * self._scale, 1))
        self.draw.text((x, y), text, colour, font, anchor="lm", stroke_width=weight / 2 if strong else 0)

    def box(self, left: float, top: float, width: float, height: float, look: Look, thick: float = 1.5) -> None:
        """With rounded corners, or a dashed border."""
        (x1, y1), (x2, y2) = self._at((left, top)), self._at((left + width, top + height))
        line = max(1, round(thick * self._scale))
        if not look.dashed:
            self.draw.rounded_rectangle((x1, y1, x2, y2), 6 * self._scale, look.fill, look.line, line)
            return
        self.draw.rectangle((x1, y1, x2, y2), look.fill)
        right, low = left + width, top + height
        self.line([(left, top), (right, top), (right, low), (left, low), (left, top)], look.line, 1.2, dashed=True)

    def symbol(self, at: Point, look: Look, radius: float = 6.5) -> None:
        """The status, without a word and without a colour."""
        look.sketch(self.draw, self._at(at), radius * self._scale, look.line)

    def line(self, points: Sequence[Point], colour: str, thick: float, *, dashed: bool = False) -> None:
        """Level and upright parts."""
        width = max(1, round(thick * self._scale))
        for (x1, y1), (x2, y2) in pairwise(points):
            if dashed:
                self._dashes((x1, y1), (x2, y2), colour, width)
            else:
                self.draw.line([self._at((x1, y1)), self._at((x2, y2))], colour, width)
        if not dashed:  # no notch where two parts meet
            for point in points[1:-1]:
                x, y = self._at(point)
                self.draw.rectangle(
                    (x - width // 2, y - width // 2, x + (width - 1) // 2, y + (width - 1) // 2), colour
                )

    def arrow(self, before: Point, at: Point, colour: str) -> None:
        """Its point is ``at``, coming from ``before``."""
        (x, y), level = at, at[1] == before[1]
        back, half = 6.0, 3.6
        corners = (
            [(x - back, y - half), (x - back, y + half)] if level else [(x - half, y - back), (x + half, y - back)]
        )
        self.draw.polygon([self._at(point) for point in (at, *corners)], fill=colour)

    def _dashes(self, start: Point, end: Point, colour: str, width: int) -> None:
        length = abs(end[0] - start[0]) + abs(end[1] - start[1])
        done = 0.0
        while done < length:
            until = min(done + DASH, length)
            part = [
                self._at((start[0] + (end[0] - start[0]) * f, start[1] + (end[1] - start[1]) * f))
                for f in (done / length, until / length)
            ]
            self.draw.line(part, colour, width)
            done = until + SPACE

    def _at(self, point: Point) -> Point:
        return point[0] * self._scale, point[1] * self._scale


def wide(text: str, size: float) -> float:
    """How wide a text is, in pixels."""
    return _font(8 * size).getlength(text) / 8  # letters of small sizes are put on whole pixels


def shortened(text: str, size: float, width: float) -> str:
    """At most ``width`` pixels of it, with a mark where it was cut: in the middle, since ends often differ."""
    if wide(text, size) <= width:
        return text
    kept = len(text)
    while kept > 2 and wide(_cut(text, kept), size) > width:
        kept -= 1
    return _cut(text, kept)


def _cut(text: str, kept: int) -> str:
    return f"{text[: kept - kept // 2]}...{text[len(text) - kept // 2 :]}"


@cache
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own: no font of the system is needed. It holds Latin letters, and no more is written."""
    return ImageFont.load_default(size)
