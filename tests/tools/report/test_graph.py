"""The drawing: order of creation, no overlaps, no edge that follows from others."""

from __future__ import annotations

import re

import pytest

from tests.programs import previewed
from tools.report.graph import HEIGHT, WIDTH, Drawing, drawn, reduced
from tools.report.page import dependencies

DIAMOND: dict[str, list[str]] = {
    "a": [],
    "b": ["a"],
    "c": ["a"],
    "d": ["a", "b", "c"],
    "e": ["d", "a"],
    "f": [],
}


# Each of a hundred nodes depends on up to four before it.
LARGE = {
    str(n): [str(each) for each in sorted({n * n % 7, n // 2, n - 9, n - n % 5}) if 0 <= each < n]
    for n in range(100)
}


@pytest.fixture(params=["diamond", "large", "prod"])
def graph(request: pytest.FixtureRequest) -> dict[str, list[str]]:
    drawn_by_hand = {"diamond": DIAMOND, "large": LARGE}.get(request.param)
    return drawn_by_hand or dependencies(previewed("prod").recording)


def test_edges_that_follow_from_others_are_left_out() -> None:
    assert reduced(DIAMOND) == {
        "a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": ["d"], "f": [],
    }  # fmt: skip


def test_what_a_resource_depends_on_is_left_of_it(graph: dict[str, list[str]]) -> None:
    drawing = drawn(graph)
    left = {node.key: node.x for node in drawing.nodes}
    assert left.keys() == graph.keys()
    for key, each in graph.items():
        assert all(left[other] + WIDTH < left[key] for other in each)
    assert len(drawing.edges) == sum(map(len, reduced(graph).values()))


def test_nodes_are_apart_and_inside(graph: dict[str, list[str]]) -> None:
    drawing = drawn(graph)
    for one in drawing.nodes:
        assert 0 <= one.x <= drawing.width - WIDTH
        assert 0 <= one.y <= drawing.height - HEIGHT
        for other in drawing.nodes:
            apart = abs(one.x - other.x) >= WIDTH or abs(one.y - other.y) >= HEIGHT
            assert apart or one == other


def test_edges_lead_from_the_right_of_one_node_to_the_left_of_another() -> None:
    drawing = drawn(DIAMOND)
    places = {node.key: node for node in drawing.nodes}
    for edge in drawing.edges:
        x, y, *_, last_x, last_y = map(float, re.findall(r"-?[\d.]+", edge.path))
        start, end = places[edge.start], places[edge.end]
        assert (x, y) == pytest.approx((start.x + WIDTH, start.y + HEIGHT / 2), abs=0.6)
        assert (last_x, last_y) == pytest.approx((end.x, end.y + HEIGHT / 2), abs=0.6)


def test_nothing_to_draw() -> None:
    assert drawn({}) == Drawing(12, 12, [], [])
