"""The Progress Path as a picture: what stands where, and that nothing of a request's data is in it."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from importlib import resources
from io import BytesIO
from itertools import combinations, pairwise

import pytest
from PIL import Image

from bot.picture import picture
from bot.picture.canvas import MAX_PIXELS
from bot.picture.layout import Layout, lay_out
from bot.picture.looks import LOOKS
from engine.commands.documents import RequestDocument
from engine.definition import load
from engine.graph import FAILURE, SUCCESS, Edge, Graph, GraphNode
from engine.states import RequestStatus, StepStatus
from tests.unit.bot import samples
from tests.unit.bot.samples import request, step

NOW = datetime(2024, 5, 6, 12, 0, tzinfo=UTC)
SIZE = (150.0, 46.0)


def chain(length: int) -> Graph:
    nodes = {f"n{n}": GraphNode(f"n{n}", "action") for n in range(length)}
    return Graph(nodes, tuple(Edge(a, SUCCESS, b) for a, b in pairwise(nodes)), "n0")


def fan(width: int) -> Graph:
    side = [f"s{n}" for n in range(width)]
    nodes = {name: GraphNode(name, "action") for name in ("fan", *side, "tell_it", "join")}
    out = [Edge("fan", SUCCESS, name) for name in side]
    back = [Edge(name, SUCCESS, "join") for name in side] + [Edge(name, FAILURE, "tell_it") for name in side]
    return Graph(nodes, (*out, *back), "fan")


def wild(seed: int, size: int = 60) -> Graph:
    chosen = random.Random(seed)
    nodes = {f"n{n}": GraphNode(f"n{n}", "action") for n in range(size)}
    edges = []
    for n in range(1, size):
        before = range(max(0, n - chosen.choice([1, 3, 20])), n)
        for source in chosen.sample(before, min(len(before), chosen.choice([1, 1, 2, 3]))):
            edges.append(Edge(f"n{source}", chosen.choice([SUCCESS, FAILURE]), f"n{n}"))
    return Graph(nodes, tuple(edges), "n0")


GRAPHS = {
    "one": chain(1),
    "chain": chain(300),
    "fan": fan(100),
    **{f"wild {seed}": wild(seed) for seed in range(12)},
}


def laid(graph: Graph) -> Layout:
    return lay_out(graph, dict.fromkeys(graph.nodes, SIZE))


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_no_box_lies_on_another_and_none_outside(graph: Graph) -> None:
    layout = laid(graph)
    assert set(layout.boxes) == set(graph.nodes)
    for a, b in combinations(layout.boxes.values(), 2):
        apart = a.left + a.width <= b.left or b.left + b.width <= a.left
        assert apart or a.top + a.height <= b.top or b.top + b.height <= a.top
    for box in layout.boxes.values():
        assert box.left >= -0.01 and box.left + box.width <= layout.width + 0.01
        assert box.top >= -0.01 and box.top + box.height <= layout.height + 0.01


def test_steps_that_simply_follow_one_another_stand_in_line() -> None:
    """The demo's: three in line, then a way out to the right, and two paths that join before the last two."""
    workflow = load(resources.files("retrigger.demo").joinpath("workflows/onboarding.yaml").read_text("utf-8"), "demo")
    boxes = laid(workflow.graph).boxes
    for line in (("create_account", "badge", "route"), ("welcome", "end")):
        assert len({boxes[node].left for node in line}) == 1


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_each_path_can_be_followed_from_box_to_box_by_level_and_upright_lines(graph: Graph) -> None:
    layout = laid(graph)
    for line in layout.lines:
        assert all(x1 == x2 or y1 == y2 for (x1, y1), (x2, y2) in pairwise(line.points))
    for edge in graph.edges:
        parts = [line for line in layout.lines if edge in line.edges]
        assert [line.enters for line in parts].count(edge.target) == 1
        ends = {point for line in parts for point in (line.points[0], line.points[-1])}
        once = [end for end in ends if sum(end in (p.points[0], p.points[-1]) for p in parts) == 1]
        assert len(once) == 2, f"the parts of {edge} do not make one line"


@pytest.mark.parametrize("graph", [chain(300), fan(100)], ids=["chain", "fan"])
def test_a_large_graph_becomes_no_strip(graph: Graph) -> None:
    layout = laid(graph)
    assert max(layout.width, layout.height) / min(layout.width, layout.height) < 3


def document(graph: Graph, **facts: object) -> RequestDocument:
    statuses = list(StepStatus)
    steps = [
        step(node, kind=kind, status=statuses[n % len(statuses)], outlet=SUCCESS, error=facts.get("text"))
        for n, (node, kind) in enumerate(graph.rows.items())
    ]
    return request(*steps, status=facts.get("status", RequestStatus.BLOCKED), title=facts.get("text", "Onboard Ada"))


def opened(png: bytes) -> Image.Image:
    with Image.open(BytesIO(png)) as found:
        found.load()
        return found


@pytest.mark.parametrize("graph", [chain(1), chain(300), fan(100), wild(3)], ids=["one", "chain", "fan", "wild"])
def test_it_is_a_png_of_bounded_size(graph: Graph) -> None:
    png = picture(document(graph), graph, NOW)
    image = opened(png)
    assert image.format == "PNG"
    assert image.width * image.height <= MAX_PIXELS * 1.01
    assert len(png) < 1_000_000


def test_nothing_of_what_a_request_brought_is_in_it() -> None:
    graph = chain(5)
    usual = picture(document(graph), graph, NOW)
    assert picture(document(graph, text=samples.LONG), graph, NOW) == usual
    assert picture(document(graph, status=RequestStatus.COMPLETED), graph, NOW) != usual


def test_every_status_has_a_symbol_of_its_own() -> None:
    assert set(LOOKS) == set(StepStatus)
    assert len({look.sketch for look in LOOKS.values()}) == len(StepStatus)


def test_steps_in_a_sync_block_stand_in_its_frame_and_those_of_another_version_are_named() -> None:
    inner = tuple(GraphNode(f"inner_{n}", "action") for n in range(3))
    graph = Graph({"block": GraphNode("block", "sync")}, (), "block", {"block": inner})
    framed = opened(picture(document(graph), graph, NOW))
    alone = opened(picture(document(chain(1)), chain(1), NOW))
    assert framed.height > alone.height + 2 * 3 * 30
    gone = request(step("n0"), step("of_version_1"))
    assert opened(picture(gone, chain(1), NOW)).height > alone.height
