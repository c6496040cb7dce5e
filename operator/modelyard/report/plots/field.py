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
GATE = 16.0
MUCH = 10
ORIGINAL = "as fast as the original"
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

    gate: the distance that it was held to, if any.
    """

    name: str
    outcome: CandidateOutcome
    speedup: Figure
    distance: Figure
    gate: float | None = None


def field_plot(points: Sequence[Point], speed_title: str, distance_title: str) -> str:
    """Return the picture. Better is to the right and up: faster, and nearer to the original."""
    canvas = Canvas(
        name="field",
        title="Candidates on speed against agreement",
        description=_in_words(points),
        width=WIDTH,
        height=HEIGHT,
    )
    speeds = [1.0, *(value for point in points for value in (point.speedup.value, point.speedup.upper))]
    x = linear_from_zero(speeds, LEFT, RIGHT)
    y = log_over(_distances(points), FLOOR, TOP, BOTTOM)
    horizontal(canvas, x, TOP, BOTTOM, speed_title)
    vertical(canvas, y, LEFT, RIGHT, distance_title, floored(FLOOR))
    canvas.line(x(1), TOP, x(1), BOTTOM, "original")
    canvas.text(x(1) - 5, BOTTOM - 8, ORIGINAL, "note", "end")
    for point in points:
        _gate(canvas, point, x, y)
    for point in points:
        _mark(canvas, point, x, y)
    _names(canvas, points, x, y)
    return canvas.svg()


def _distances(points: Sequence[Point]) -> list[float]:
    """Return what the scale is to show: not the far bounds that so few texts can't give, which run off the picture."""
    found = [value for point in points for value in (point.distance.lower, point.distance.value)]
    found += [point.gate for point in points if point.gate is not None]
    near = MUCH * max(found)
    return found + [point.distance.upper for point in points if point.distance.upper <= near]


def _gate(canvas: Canvas, point: Point, x: Linear, y: Log) -> None:
    """Draw where the candidate's gate is, and a thread to it: its length is the room that is left."""
    if point.gate is None:
        return
    at, gate = x(point.speedup.value), y(point.gate)
    canvas.line(at, y(point.distance.value), at, gate, "thread")
    canvas.line(at - GATE, gate, at + GATE, gate, "gate")


def _mark(canvas: Canvas, point: Point, x: Linear, y: Log) -> None:
    """Draw the candidate with its bounds: a full dot for the chosen, a ring for slower ones, a cross for the rest."""
    at, distance, style = x(point.speedup.value), y(point.distance.value), STYLES[point.outcome]
    canvas.line(x(point.speedup.lower), distance, x(point.speedup.upper), distance, f"bounds {style}")
    canvas.line(at, y(point.distance.lower), at, y(point.distance.upper), f"bounds {style}")
    if style == "missed":
        canvas.line(at - 5, distance - 5, at + 5, distance + 5, "cross")
        canvas.line(at - 5, distance + 5, at + 5, distance - 5, "cross")
    else:
        canvas.circle(at, distance, 6, f"dot {style}")


def _names(canvas: Canvas, points: Sequence[Point], x: Linear, y: Log) -> None:
    places = [(x(point.speedup.value), y(point.distance.value)) for point in points]
    room = Box(left=LEFT, top=TOP - 8, right=RIGHT + 15, bottom=BOTTOM)
    note = Box(left=x(1) - len(ORIGINAL) * LETTER_WIDTH, top=BOTTOM - 20, right=x(1) + 2, bottom=BOTTOM)
    marks = [note, *(mark for point in points for mark in _marks(point, x, y))]
    for point, box in zip(points, placed(places, [point.name for point in points], room, marks), strict=True):
        style = "label strong" if point.outcome is CandidateOutcome.CHOSEN else "label"
        canvas.text(box.left, box.bottom - 3, point.name, style)


def _marks(point: Point, x: Linear, y: Log) -> list[Box]:
    """Return the places of a candidate's bounds and gate."""
    at, distance = x(point.speedup.value), y(point.distance.value)
    across = Box(left=x(point.speedup.lower), top=distance - 2, right=x(point.speedup.upper), bottom=distance + 2)
    if point.gate is None:
        return [across]
    gate = y(point.gate)
    return [across, Box(left=at - GATE, top=gate - 3, right=at + GATE, bottom=gate + 3)]


def _in_words(points: Sequence[Point]) -> str:
    told = (
        f"{point.name}: {point.speedup.value:.3g} times as fast as the original, distance {point.distance.value:.3g}"
        for point in points
    )
    return "; ".join(told)
