"""How far the answers to single texts are from the original's, candidate by candidate: the distribution of parity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelyard.contract.report import CandidateOutcome, Distribution
from modelyard.report.plots.axes import floored, horizontal
from modelyard.report.plots.canvas import Canvas, shortened
from modelyard.report.plots.field import STYLES
from modelyard.report.plots.scales import Log, log_over

WIDTH = 720.0
LEFT, RIGHT, TOP = 170.0, 690.0, 10.0
ROW = 46.0
NAME_LETTERS = 24
FLOOR = 1e-14


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A candidate's distribution. gate: the distance that all but a hundredth of the answers must keep, if any."""

    name: str
    outcome: CandidateOutcome
    distribution: Distribution
    gate: float | None = None


def spread_plot(spreads: Sequence[Spread]) -> str:
    """Return the picture: for each candidate a line from the nearest to the farthest answer, thicker to its middle."""
    bottom = TOP + ROW * len(spreads)
    canvas = Canvas(
        name="spread",
        title="How far answers are from the original's, one by one",
        description=_in_words(spreads),
        width=WIDTH,
        height=bottom + 48,
    )
    values = [one.distance for spread in spreads for one in spread.distribution.quantiles]
    x = log_over([*values, *(s.gate for s in spreads if s.gate is not None)], FLOOR, LEFT, RIGHT)
    horizontal(canvas, x, TOP, bottom, spreads[0].distribution.measure, floored(FLOOR))
    for number, spread in enumerate(spreads):
        y = TOP + ROW * number + ROW / 2
        name = "label strong" if spread.outcome is CandidateOutcome.CHOSEN else "label"
        canvas.text(LEFT - 10, y, shortened(spread.name, NAME_LETTERS), name, "end")
        canvas.text(LEFT - 10, y + 14, f"{spread.distribution.samples} answers", "note", "end")
        _strip(canvas, x, y, spread)
    return canvas.svg()


def _strip(canvas: Canvas, x: Log, y: float, spread: Spread) -> None:
    style, known = STYLES[spread.outcome], distances(spread.distribution)
    for low, high, thickness in ((0.0, 1.0, 1.5), (0.05, 0.95, 6.0), (0.25, 0.75, 14.0)):
        if low in known and high in known:
            canvas.bar(x(known[low]), x(known[high]), y, thickness, f"strip {style}")
    if 0.5 in known:  # noqa: PLR2004 - the median
        canvas.line(x(known[0.5]), y - 9, x(known[0.5]), y + 9, f"median {style}")
    if 0.99 in known:  # noqa: PLR2004 - what the gate holds
        at = x(known[0.99])
        canvas.polygon([(at - 5, y), (at, y - 5), (at + 5, y), (at, y + 5)], f"dot {style}")
    if spread.gate is not None:
        canvas.line(x(spread.gate), y - 14, x(spread.gate), y + 14, "gate")


def distances(distribution: Distribution) -> dict[float, float]:
    """Return the distance at each share."""
    return {one.share: one.distance for one in distribution.quantiles}


def _in_words(spreads: Sequence[Spread]) -> str:
    told = []
    for spread in spreads:
        known = distances(spread.distribution)
        parts = [
            f"{name} {known[share]:.3g}"
            for name, share in (("median", 0.5), ("99th percentile", 0.99), ("farthest", 1.0))
            if share in known
        ]
        told.append(f"{spread.name}: {', '.join(parts)}")
    return "; ".join(told)
