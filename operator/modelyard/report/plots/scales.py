"""From numbers to places on a picture: linear and logarithmic, with ticks where people expect them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

STEPS = (1, 2, 5, 10)
MOST_TICKS = 8
FEW_DECADES = 2
ROOM = 1.05
SMALLEST, LARGEST = 1e-9, 1e12
"""What a linear scale can tell from nothing, and the most that any bothers with: beyond, a number stands at the end."""


class Scale(Protocol):
    """Where a number stands on one axis."""

    @property
    def start(self) -> float:
        """Return the place of the low end."""

    @property
    def end(self) -> float:
        """Return the place of the high end."""

    def __call__(self, value: float) -> float:
        """Return the place of a number; beyond an end, that end."""

    def ticks(self) -> tuple[float, ...]:
        """Return the numbers to label, from low to high, all within the ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """Equal steps for equal differences. low < high, in numbers; start and end are places, in either order."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a number; beyond an end, that end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> tuple[float, ...]:
        """Return at most seven round numbers."""
        rough = (self.high - self.low) / 6
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * one for one in STEPS if power * one >= rough * (1 - 1e-9))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        # By division where the step is below 1, so that 3 tenths are 0.3 and not 0.30000000000000004.
        return tuple(n * step if step >= 1 else n / round(1 / step) for n in range(first, last + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Equal steps for equal ratios. 0 < low < high."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a number; beyond an end, that end: 0 stands at the low one."""
        within = min(max(value, self.low), self.high)
        share = (math.log10(within) - math.log10(self.low)) / (math.log10(self.high) - math.log10(self.low))
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def ticks(self) -> tuple[float, ...]:
        """Return powers of ten, at most eight of them; over few, doubles and fives too; over none, round numbers."""
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        if last - first < FEW_DECADES:
            fine = (10.0**power * step for power in range(first - 1, last + 1) for step in STEPS[:3])
            near = tuple(one for one in fine if self.low <= one * (1 + 1e-9) and one <= self.high * (1 + 1e-9))
            return near if len(near) > 1 else Linear(low=self.low, high=self.high, start=0, end=1).ticks()
        stride = math.ceil((last - first + 1) / MOST_TICKS)
        return tuple(10.0**power for power in range(last, first - 1, -stride))[::-1]


def linear_from_zero(values: Iterable[float], start: float, end: float) -> Linear:
    """Return a scale from 0 to a little above the greatest of the finite values."""
    high = max((value for value in values if math.isfinite(value)), default=0.0)
    return Linear(low=0.0, high=min(high, LARGEST) * ROOM if high > SMALLEST else 1.0, start=start, end=end)


def log_over(values: Iterable[float], floor: float, start: float, end: float, *, whole: bool = True) -> Log:
    """Return a scale over the finite values from ``floor`` on: what is less stands at its low end.

    It begins and ends at powers of ten; else (``whole`` False) a little beyond the least and the greatest.
    """
    within = [min(max(value, floor), LARGEST) for value in values if math.isfinite(value)] or [floor, floor * 10]
    if not whole:
        return Log(low=min(within) / ROOM**4, high=max(within) * ROOM**4, start=start, end=end)
    low = math.floor(math.log10(min(within)) + 1e-9)
    high = math.ceil(math.log10(max(within)) - 1e-9)
    return Log(low=10.0**low, high=10.0 ** max(high, low + 1), start=start, end=end)
