"""A request's Progress Path as PNG: each step with its status, paths taken solid, paths not taken dashed (SPEC 1).

What is written are ids and words of ours: no title, input, result, error or reason, so nothing sensitive can be in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from bot.picture.canvas import Canvas, shortened, wide
from bot.picture.layout import Box, Layout, Line, lay_out
from bot.picture.looks import INK, LOOKS, NOT_TAKEN, OPEN, QUIET, REQUEST_COLOURS, TAKEN, Look
from engine.commands.documents import RequestDocument, StepDocument
from engine.graph import FAILURE, REJECTED, Edge, Graph
from engine.states import StepStatus

NAME, SMALL, TITLE = 13.0, 10.5, 17.0  # sizes of letters
MARGIN = 28.0
HEAD = 64.0
HEIGHT, INNER = 46.0, 30.0  # of a box; of a step in a sync block
LEAST, MOST = 120.0, 250.0  # wide
PAD = 10.0
SIGN = 24.0  # what the symbol takes of a box
LEGEND = 24.0  # a line of it
ICON, DASHES = 20.0, 36.0  # what a symbol, and a line, take in it

_SAID = {FAILURE: "on failure", REJECTED: "if rejected"}
_LEFT = (StepStatus.COMPLETED, StepStatus.FAILED)


def picture(document: RequestDocument, graph: Graph, now: datetime) -> bytes:
    """PNG. ``graph`` is that of the version that the request runs on; steps of an earlier one are only named."""
    return _Picture(document, graph, now).png()


class _Picture:
    def __init__(self, document: RequestDocument, graph: Graph, now: datetime) -> None:
        self._document, self._graph, self._now = document, graph, now
        self._steps = {step.node: step for step in document.steps}
        self._layout: Layout = lay_out(graph, self._sizes())
        self._legend = list(self._legend_lines())
        title = wide(self._headline(), TITLE) + wide(document.status.label, TITLE) + 40
        width = max(self._layout.width, title, 460.0) + 2 * MARGIN
        below = HEAD + self._layout.height + 2 * MARGIN
        self._canvas = Canvas(width, below + LEGEND * len(self._rows(width)) + MARGIN / 2)
        self._width, self._below = width, below

    def png(self) -> bytes:
        self._head()
        order = {OPEN: 0, NOT_TAKEN: 1, TAKEN: 2}  # what was taken lies on top
        drawn = sorted(((self._way(line), line) for line in self._layout.lines), key=lambda one: order[one[0]])
        for colour, line in drawn:
            self._line(line, colour)
        for node, box in self._layout.boxes.items():
            self._node(node, _moved(box))
        self._foot()
        return self._canvas.png()

    def _sizes(self) -> dict[str, tuple[float, float]]:
        """All are of one width, so that lines between them run straight."""
        texts = [max(wide(node, NAME), wide(self._word(node), SMALL)) for node in self._graph.rows]
        width = max(LEAST, min(MOST, max(texts, default=0.0) + SIGN + 2 * PAD + 4))
        return {node: (width, self._height(node)) for node in self._graph.nodes}

    def _height(self, node: str) -> float:
        """A sync block frames the steps inside it."""
        inner = len(self._graph.inner.get(node, ()))
        return HEIGHT + (inner * (INNER + 4) + PAD / 2 if inner else 0.0)

    def _word(self, node: str) -> str:
        """What stands below a step's name."""
        step = self._steps.get(node)
        if step is None:
            return "not in this request"
        also = [word for word, holds in (("held", step.held), ("stale", step.stale)) if holds]
        tries = [f"{len(step.attempts)} attempts"] if len(step.attempts) > 1 else []
        return " - ".join([step.status.label, step.kind, *tries, *also])

    def _headline(self) -> str:
        document = self._document
        return f"{document.id}  {document.workflow}, version {document.version}"

    def _head(self) -> None:
        document, canvas = self._document, self._canvas
        canvas.text((MARGIN, MARGIN), self._headline(), TITLE, strong=True)
        after = MARGIN + wide(self._headline(), TITLE) + 18
        canvas.text((after, MARGIN), document.status.label, TITLE, REQUEST_COLOURS[document.status], strong=True)
        moment = self._now.astimezone(UTC)
        told = f"As of {moment:%d %b %Y, %H:%M} UTC. {len(self._document.steps)} steps."
        canvas.text((MARGIN, MARGIN + 24), told, SMALL + 1, QUIET)

    def _way(self, line: Line) -> str:
        """The colour of a line, and so whether it was taken: that of the best of what it is drawn for."""
        ways = {_way(edge, self._steps.get(edge.source), self._steps.get(edge.target)) for edge in line.edges}
        return next(way for way in (TAKEN, OPEN, NOT_TAKEN) if way in ways)

    def _line(self, line: Line, colour: str) -> None:
        points = [(x + MARGIN, y + HEAD + MARGIN) for x, y in line.points]
        dashed = colour == NOT_TAKEN
        self._canvas.line(points, colour, 2.2 if colour == TAKEN else 1.4, dashed=dashed)
        if line.enters is None:
            return
        self._canvas.arrow(points[-2], points[-1], colour)
        said = {_SAID[edge.outlet] for edge in line.edges if edge.outlet in _SAID}
        if said and len(said) == len({edge.outlet for edge in line.edges}):
            x, y = points[-1]
            at = (x - 8 - wide(" / ".join(said), 9), y - 8) if self._layout.turned else (x + 7, y - 9)
            self._canvas.text(at, " / ".join(sorted(said)), 9, QUIET)

    def _node(self, node: str, box: Box) -> None:
        look = self._look(node)
        strong = self._steps.get(node) is not None and self._steps[node].status is StepStatus.BLOCKED
        self._canvas.box(*box, look, 3.0 if strong else 1.5)
        self._words(node, look, box._replace(height=HEIGHT))
        for number, step in enumerate(self._graph.inner.get(node, ())):
            top = box.top + HEIGHT + number * (INNER + 4) - 2
            inner = Box(box.left + PAD, top, box.width - 2 * PAD, INNER)
            self._canvas.box(*inner, self._look(step.id), 1.2)
            self._words(step.id, self._look(step.id), inner)

    def _words(self, node: str, look: Look, box: Box) -> None:
        """Symbol, name and status in a box."""
        middle, left = box.top + box.height / 2, box.left + PAD + SIGN
        room = box.width - 2 * PAD - SIGN
        colour = QUIET if look.dashed else INK
        apart = box.height / 5
        self._canvas.symbol((box.left + PAD + 7, middle), look, 6.5 if box.height >= HEIGHT else 5.0)
        name = NAME if box.height >= HEIGHT else NAME - 2
        self._canvas.text((left, middle - apart), shortened(node, name, room), name, colour, strong=not look.dashed)
        small = SMALL if box.height >= HEIGHT else SMALL - 1.5
        self._canvas.text((left, middle + apart), shortened(self._word(node), small, room), small, look.line)

    def _look(self, node: str) -> Look:
        step = self._steps.get(node)
        return LOOKS[step.status if step else StepStatus.PENDING]

    def _legend_lines(self) -> Iterator[tuple[str, Look | str]]:
        present = {step.status for step in self._document.steps}
        yield from ((status.label, look) for status, look in LOOKS.items() if status in present)
        yield "path taken", TAKEN
        yield "still open", OPEN
        yield "not taken", NOT_TAKEN

    def _rows(self, width: float) -> list[list[tuple[str, Look | str]]]:
        rows: list[list[tuple[str, Look | str]]] = [[]]
        used = 0.0
        for entry in self._legend:
            size = self._entry(*entry)
            if rows[-1] and used + size > width - 2 * MARGIN:
                rows.append([])
                used = 0.0
            rows[-1].append(entry)
            used += size
        gone = [node for node in self._steps if node not in self._graph.rows]
        return [*rows, [(f"Of an earlier version, not drawn: {', '.join(gone)}", "")]] if gone else rows

    def _entry(self, word: str, look: Look | str) -> float:
        """How wide an entry of the legend is."""
        return wide(word, SMALL) + (ICON if isinstance(look, Look) else DASHES) + 26

    def _foot(self) -> None:
        for number, row in enumerate(self._rows(self._width)):
            x, y = MARGIN, self._below + LEGEND * (number + 0.5)
            for word, look in row:
                left = x + (ICON if isinstance(look, Look) else DASHES if look else 0.0)
                if isinstance(look, Look):
                    self._canvas.symbol((x + 7, y), look)
                elif look:
                    thick = 2.2 if look == TAKEN else 1.4
                    self._canvas.line([(x, y), (x + 28, y)], look, thick, dashed=look == NOT_TAKEN)
                self._canvas.text((left, y), shortened(word, SMALL, self._width - left - PAD), SMALL, QUIET)
                x += self._entry(word, look)


def _moved(box: Box) -> Box:
    return box._replace(left=box.left + MARGIN, top=box.top + HEAD + MARGIN)


def _way(edge: Edge, source: StepDocument | None, target: StepDocument | None) -> str:
    """Whether the path of this edge was taken, is still open, or was not taken."""
    if source is None or target is None:
        return OPEN
    if source.status in _LEFT and source.outlet is not None:
        return TAKEN if source.outlet == edge.outlet else NOT_TAKEN
    done = (StepStatus.SKIPPED, StepStatus.CANCELLED)
    return NOT_TAKEN if source.status in done or target.status in done else OPEN
