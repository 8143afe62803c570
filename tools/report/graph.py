"""A layered drawing of what depends on what: left to right, in the order of creation.

The usual four steps: drop edges that follow from others, put each node right of what it depends on,
order each layer so that few edges cross, and place the nodes near their neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

WIDTH, HEIGHT = 190, 36  # of a node
_COLUMN, _ROW, _BEND = 256, 48, 18  # distances: columns, nodes, edges that pass between nodes
_MARGIN = 12
_SWEEPS = 12
Edges = Mapping[str, Sequence[str]]
Point = tuple[str, int]
"""A node, or a place where the edge to it passes a layer: the node's key and the layer."""


@dataclass(frozen=True)
class Node:
    """Top left corner."""

    key: str
    x: float
    y: float


@dataclass(frozen=True)
class Edge:
    """From what is created first to what depends on it; the path is SVG's."""

    start: str
    end: str
    path: str


@dataclass(frozen=True)
class Drawing:
    width: float
    height: float
    nodes: list[Node]
    edges: list[Edge]


def drawn(depends: Edges) -> Drawing:
    """Draws a graph without cycles, given as what each node depends on."""
    direct = reduced(depends)
    layers = _layers(direct)
    chains = [
        (first, last, _chain(first, last, layers)) for last in direct for first in direct[last]
    ]
    rows = _ordered(layers, [chain for _, _, chain in chains])
    places = _placed(rows, [chain for _, _, chain in chains])
    nodes = [Node(key, _left(layer), places[key, layer]) for key, layer in layers.items()]
    edges = [Edge(first, last, _path(chain, places)) for first, last, chain in chains]
    return Drawing(
        width=max((node.x + WIDTH for node in nodes), default=0) + _MARGIN,
        height=max((node.y + HEIGHT for node in nodes), default=0) + _MARGIN,
        nodes=nodes,
        edges=edges,
    )


def reduced(depends: Edges) -> dict[str, list[str]]:
    """Without the edges that follow from others."""

    @cache
    def above(key: str) -> frozenset[str]:
        return frozenset().union(*({each} | above(each) for each in depends[key]))

    return {
        key: [e for e in each if not any(e in above(other) for other in each if other != e)]
        for key, each in depends.items()
    }


def _layers(direct: Edges) -> dict[str, int]:
    """One more than the last layer that a node depends on; roots right before their first user."""

    @cache
    def layer(key: str) -> int:
        return 1 + max(map(layer, direct[key]), default=-1)

    found = {key: layer(key) for key in direct}
    users: dict[str, list[int]] = {}
    for key, each in direct.items():
        for first in each:
            users.setdefault(first, []).append(found[key])
    return {
        key: number if direct[key] or key not in users else min(users[key]) - 1
        for key, number in found.items()
    }


def _chain(first: str, last: str, layers: Mapping[str, int]) -> list[Point]:
    """The node, the places where its edge passes a layer, the other node."""
    between = range(layers[first] + 1, layers[last])
    return [
        (first, layers[first]),
        *((f"{first} {last}", n) for n in between),
        (last, layers[last]),
    ]


def _neighbours(chains: Iterable[Sequence[Point]]) -> dict[Point, list[Point]]:
    found: dict[Point, list[Point]] = {}
    for chain in chains:
        for one, other in pairwise(chain):
            found.setdefault(one, []).append(other)
            found.setdefault(other, []).append(one)
    return found


def _ordered(layers: Mapping[str, int], chains: list[list[Point]]) -> list[list[Point]]:
    """The points of each layer, each near the middle of those that it is connected to."""
    points = dict.fromkeys(
        [*((key, n) for key, n in layers.items()), *(p for c in chains for p in c)]
    )
    rows: list[list[Point]] = [[] for _ in range(max(layers.values(), default=-1) + 1)]
    for point in points:
        rows[point[1]].append(point)
    neighbours = _neighbours(chains)
    for sweep in range(_SWEEPS):
        step = 1 if sweep % 2 == 0 else -1
        ranks = {point: rank / len(row) for row in rows for rank, point in enumerate(row)}
        for row in rows[::step]:
            beside = {
                point: [ranks[e] for e in neighbours.get(point, []) if e[1] == point[1] - step]
                for point in row
            }
            middle = {p: sum(each) / len(each) if each else ranks[p] for p, each in beside.items()}
            row.sort(key=middle.__getitem__)
            ranks.update({point: rank / len(row) for rank, point in enumerate(row)})
    return rows


def _placed(rows: list[list[Point]], chains: list[list[Point]]) -> dict[Point, float]:
    """Vertical positions: towards the neighbours, in the order of each row, without overlaps."""
    bends = {point for chain in chains for point in chain[1:-1]}
    size = {point: _BEND if point in bends else _ROW for row in rows for point in row}
    neighbours = _neighbours(chains)
    places: dict[Point, float] = {}
    for row in rows:
        _stack(row, dict.fromkeys(row, 0.0), size, places)
    for _ in range(_SWEEPS):
        for row in rows:
            wanted = {point: places[point] for point in row}
            for point in row:
                if beside := [places[each] for each in neighbours.get(point, [])]:
                    wanted[point] = sum(beside) / len(beside)
            _stack(row, wanted, size, places)
    top = min(places.values(), default=0)
    return {point: place - top + _MARGIN for point, place in places.items()}


def _stack(
    row: list[Point],
    wanted: Mapping[Point, float],
    size: Mapping[Point, int],
    places: dict[Point, float],
) -> None:
    """Places a row from its top, then moves it as a whole to where it wants to be on average."""
    end = None
    for point in row:
        place = wanted[point]
        # Not too far from the one above, or a node without company would stretch the drawing.
        places[point] = place if end is None else min(max(place, end), end + _ROW)
        end = places[point] + size[point]
    if row:
        shift = sum(wanted[point] - places[point] for point in row) / len(row)
        for point in row:
            places[point] += shift


def _left(layer: int) -> float:
    return _MARGIN + layer * _COLUMN


def _path(chain: Sequence[Point], places: Mapping[Point, float]) -> str:
    """Curves from the right of the first node to the left of the last."""
    gap = (_COLUMN - WIDTH) / 2
    (_, layer), *others = chain
    y = places[chain[0]] + HEIGHT / 2
    path = f"M{_left(layer) + WIDTH:.0f},{y:.1f}"
    for point in others:
        x, y_before, y = _left(point[1]), y, places[point] + HEIGHT / 2
        path += f"C{x - gap:.0f},{y_before:.1f} {x - gap:.0f},{y:.1f} {x:.0f},{y:.1f}"
        if point is not others[-1]:
            path += f"H{x + WIDTH:.0f}"
    return path
