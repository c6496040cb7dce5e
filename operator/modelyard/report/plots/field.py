"""The whole field on one picture: each candidate by its speed and by how far it is from the original."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelyard.contract.report import CandidateOutcome, Figure
from modelyard.report.plots.axes import floored, horizontal, vertical
from modelyard.report.plots.canvas import LETTER_WIDTH, Canvas
from modelyard.report.plots.labels import Box, placed
from modelyard.report.plots.scales import Linear, Log, linear_from_zero, log_over

WIDTH, HEIGHT = 720.0, 380.0
LEFT, RIGHT, TOP, BOTTOM = 60.0, 700.0, 44.0, 320.0
LANE = 150.0
"""Room on the left for candidates without a speed, where there are any."""
GATE = 16.0
MUCH = 10
ORIGINAL, UNTIMED = "as fast as the original", "speed not measured"
FLOOR = 1e-9
"""Distances below it stand on it: no answer is that near but by chance."""

STYLES = {
    CandidateOutcome.CHOSEN: "chosen",
    CandidateOutcome.SLOWER: "slower",
    CandidateOutcome.MISSED_PARITY: "missed",
    CandidateOutcome.FAILED: "missed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A candidate: how many times faster than the original, and its distance (0: the same), both with bounds.

    speedup: None where it was dropped before its speed was measured; gate: the distance that it was held to, if any.
    """

    name: str
    outcome: CandidateOutcome
    speedup: Figure | None
    distance: Figure
    gate: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a candidate stands on the picture: its bounds from left to right, from near to far, and its gate."""

    point: Point
    x: float
    left: float
    right: float
    y: float
    near: float
    far: float
    gate: float | None

    @property
    def style(self) -> str:
        """Return the class of its colours."""
        return STYLES[self.point.outcome]

    @property
    def marks(self) -> list[Box]:
        """Return the places of its bounds and of its gate."""
        across = Box(left=self.left, top=self.y - 2, right=self.right, bottom=self.y + 2)
        if self.gate is None:
            return [across]
        return [across, Box(left=self.x - GATE, top=self.gate - 3, right=self.x + GATE, bottom=self.gate + 3)]


def field_plot(points: Sequence[Point], speed_title: str, distance_title: str) -> str:
    """Return the picture. Better is to the right and up: faster, and nearer to the original.

    Those without a speed stand in a lane of their own on the left.
    """
    canvas = Canvas(
        name="field",
        title="Candidates on speed against agreement",
        description="; ".join(map(_in_words, points)),
        width=WIDTH,
        height=HEIGHT,
    )
    timed = [point.speedup for point in points if point.speedup is not None]
    lane = LANE if len(timed) < len(points) else 0.0
    x = linear_from_zero([1.0, *(v for one in timed for v in (one.value, one.upper))], LEFT + lane, RIGHT)
    y = log_over(_distances(points), FLOOR, TOP, BOTTOM)
    horizontal(canvas, x, TOP, BOTTOM, speed_title)
    vertical(canvas, y, LEFT, RIGHT, distance_title, floored(FLOOR))
    if lane:
        canvas.line(LEFT + lane, TOP, LEFT + lane, BOTTOM, "axis")
        canvas.text(LEFT + lane / 2, BOTTOM + 16, UNTIMED, "tick", "middle")
    canvas.line(x(1), TOP, x(1), BOTTOM, "original")
    canvas.text(x(1) - 5, BOTTOM - 8, ORIGINAL, "note", "end")
    note = Box(left=x(1) - len(ORIGINAL) * LETTER_WIDTH, top=BOTTOM - 20, right=x(1) + 2, bottom=BOTTOM)
    spots = [_spot(point, x, y) for point in points]
    for draw in (_gate, _mark):
        for spot in spots:
            draw(canvas, spot)
    _names(canvas, spots, note)
    return canvas.svg()


def _distances(points: Sequence[Point]) -> list[float]:
    """Return what the scale is to show: not the far bounds that so few texts can't give, which run off the picture."""
    found = [value for point in points for value in (point.distance.lower, point.distance.value)]
    found += [point.gate for point in points if point.gate is not None]
    near = MUCH * max(found)
    return found + [point.distance.upper for point in points if point.distance.upper <= near]


def _spot(point: Point, x: Linear, y: Log) -> Spot:
    speedup, middle = point.speedup, x.start - LANE * 2 / 3
    return Spot(
        point=point,
        x=middle if speedup is None else x(speedup.value),
        left=middle if speedup is None else x(speedup.lower),
        right=middle if speedup is None else x(speedup.upper),
        y=y(point.distance.value),
        near=y(point.distance.lower),
        far=y(point.distance.upper),
        gate=None if point.gate is None else y(point.gate),
    )


def _gate(canvas: Canvas, spot: Spot) -> None:
    """Draw where the candidate's gate is, and a thread to it: its length is the room that is left."""
    if spot.gate is not None:
        canvas.line(spot.x, spot.y, spot.x, spot.gate, "thread")
        canvas.line(spot.x - GATE, spot.gate, spot.x + GATE, spot.gate, "gate")


def _mark(canvas: Canvas, spot: Spot) -> None:
    """Draw the candidate with its bounds: a full dot for the chosen, a ring for slower ones, a cross for the rest."""
    canvas.line(spot.left, spot.y, spot.right, spot.y, f"bounds {spot.style}")
    canvas.line(spot.x, spot.near, spot.x, spot.far, f"bounds {spot.style}")
    if spot.style == "missed":
        canvas.line(spot.x - 5, spot.y - 5, spot.x + 5, spot.y + 5, "cross")
        canvas.line(spot.x - 5, spot.y + 5, spot.x + 5, spot.y - 5, "cross")
    else:
        canvas.circle(spot.x, spot.y, 6, f"dot {spot.style}")


def _names(canvas: Canvas, spots: Sequence[Spot], note: Box) -> None:
    room = Box(left=LEFT, top=TOP - 8, right=RIGHT + 15, bottom=BOTTOM)
    names, places = [spot.point.name for spot in spots], [(spot.x, spot.y) for spot in spots]
    boxes = placed(places, names, room, [note, *(mark for spot in spots for mark in spot.marks)])
    for spot, box in zip(spots, boxes, strict=True):
        style = "label strong" if spot.point.outcome is CandidateOutcome.CHOSEN else "label"
        canvas.text(box.left, box.bottom - 3, spot.point.name, style)


def _in_words(point: Point) -> str:
    speedup = point.speedup
    fast = UNTIMED if speedup is None else f"{speedup.value:.3g} times as fast as the original"
    return f"{point.name}: {fast}, distance {point.distance.value:.3g}"
