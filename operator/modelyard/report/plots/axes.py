"""Axes: lines, ticks and their numbers along one side of a plot."""

from __future__ import annotations

import math
from collections.abc import Callable

from modelyard.report.plots.canvas import Canvas
from modelyard.report.plots.scales import Scale

GAP = 6.0
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def tick(value: float) -> str:
    """Return a number as it is: ``0.5``, ``20``."""
    return f"{value:g}"


def power(value: float) -> str:
    """Return a power of ten: ``10⁻⁷``; any other number as it is."""
    exponent = round(math.log10(value))
    return f"10{str(exponent).translate(RAISED)}" if math.isclose(value, 10.0**exponent) else tick(value)


def floored(low: float) -> Callable[[float], str]:
    """Return the words of an axis on whose low end stands whatever is less."""
    return lambda value: f"≤ {power(value)}" if math.isclose(value, low) else power(value)


def horizontal(
    canvas: Canvas, scale: Scale, top: float, bottom: float, title: str, words: Callable[[float], str] = tick
) -> None:
    """Draw an axis below, its grid up to ``top``, and what it counts; ``words`` says its numbers."""
    for value in scale.ticks():
        x = scale(value)
        canvas.line(x, top, x, bottom, "grid")
        canvas.text(x, bottom + 16, words(value), "tick", "middle")
    canvas.line(min(scale.start, scale.end), bottom, max(scale.start, scale.end), bottom, "axis")
    canvas.text((scale.start + scale.end) / 2, bottom + 36, title, "title", "middle")


def vertical(
    canvas: Canvas, scale: Scale, left: float, right: float, title: str, words: Callable[[float], str] = tick
) -> None:
    """Draw an axis on the left, its grid to ``right``, and above it what it counts; ``words`` says its numbers."""
    for value in scale.ticks():
        y = scale(value)
        canvas.line(left, y, right, y, "grid")
        canvas.text(left - GAP, y + 4, words(value), "tick", "end")
    canvas.line(left, scale.start, left, scale.end, "axis")
    canvas.text(GAP, min(scale.start, scale.end) - 16, title, "title")
