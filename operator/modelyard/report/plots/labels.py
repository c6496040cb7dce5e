"""Where names go beside their points, so that no two of them lie on one another while there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelyard.report.plots.canvas import LETTER_WIDTH, LINE_HEIGHT

DISTANCE = 14.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle: left, top, right, bottom."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Return whether two share any place."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def within(self, other: Box) -> bool:
        """Return whether this one lies in the other."""
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.top >= other.top
            and self.bottom <= other.bottom
        )


def placed(
    points: Sequence[tuple[float, float]], names: Sequence[str], room: Box, marks: Sequence[Box] = ()
) -> list[Box]:
    """Return a place for each point's name: right, left, above or below it, the first that is free and in the room.

    marks: what else is drawn, and not to be written on. Where no place is free, the one that meets the fewest others:
    every point has a name.
    """
    taken = [_around(x, y) for x, y in points]
    boxes: list[Box] = []
    for (x, y), name in zip(points, names, strict=True):
        others = [*taken, *marks, *boxes]
        tries = _tries(x, y, len(name) * LETTER_WIDTH)
        boxes.append(min(tries, key=lambda box: (not box.within(room), sum(map(box.overlaps, others)))))
    return boxes


def _tries(x: float, y: float, width: float) -> list[Box]:
    lefts_and_middles = [
        (x + DISTANCE, y),
        (x - DISTANCE - width, y),
        (x - width / 2, y - LINE_HEIGHT - 4),
        (x - width / 2, y + LINE_HEIGHT + 4),
        (x + DISTANCE, y - LINE_HEIGHT),
        (x + DISTANCE, y + LINE_HEIGHT),
        (x - DISTANCE - width, y - LINE_HEIGHT),
        (x - DISTANCE - width, y + LINE_HEIGHT),
    ]
    half = LINE_HEIGHT / 2
    return [
        Box(left=left, top=middle - half, right=left + width, bottom=middle + half)
        for left, middle in lefts_and_middles
    ]


def _around(x: float, y: float) -> Box:
    return Box(left=x - 6, top=y - 6, right=x + 6, bottom=y + 6)
