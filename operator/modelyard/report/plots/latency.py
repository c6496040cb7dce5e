"""How long one call takes, original and engine beside each other, at each batch size: median, and 95th percentile."""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.contract.report import Latency
from modelyard.report.plots.axes import horizontal
from modelyard.report.plots.canvas import Canvas
from modelyard.report.plots.scales import Log, log_over
from modelyard.report.words import rounded, times

WIDTH = 720.0
LEFT, RIGHT, TOP = 80.0, 560.0, 34.0
ROW, PAIR = 22.0, 60.0
LEAST_MS = 1e-3


def latency_plot(latencies: Sequence[Latency], engine: str) -> str:
    """Return the picture: a pair of bars for each batch size, on a logarithmic scale of milliseconds."""
    bottom = TOP + PAIR * len(latencies)
    canvas = Canvas(
        name="latency",
        title=f"Latency of one call, PyTorch and {engine}",
        description=_in_words(latencies, engine),
        width=WIDTH,
        height=bottom + 48,
    )
    ends = (value for one in latencies for value in (one.original_p50_ms, one.original_p95_ms, one.p50_ms, one.p95_ms))
    x = log_over(ends, LEAST_MS, LEFT, RIGHT - 90, whole=False)
    horizontal(canvas, x, TOP, bottom, "milliseconds of one call: median to 95th percentile")
    canvas.text(RIGHT + 10, TOP - 10, "speedup (95% bounds)", "title")
    for number, one in enumerate(latencies):
        y = TOP + PAIR * number + PAIR / 2
        canvas.text(LEFT - 10, y + 4, f"batch {one.batch}", "label", "end")
        _range(canvas, x, y - ROW / 2, (one.original_p50_ms, one.original_p95_ms), "slower")
        _range(canvas, x, y + ROW / 2, (one.p50_ms, one.p95_ms), "chosen")
        ratio = one.speedup
        canvas.text(RIGHT + 10, y + 4, times(ratio.value), "label strong")
        canvas.text(RIGHT + 66, y + 4, f"{rounded(ratio.lower)} to {rounded(ratio.upper)}", "note")
    for left, name, style in ((LEFT, "PyTorch", "slower"), (LEFT + 90, engine, "chosen")):
        canvas.circle(left + 5, TOP - 14, 5, f"dot {style}")
        canvas.text(left + 16, TOP - 10, name, "note")
    return canvas.svg()


def _range(canvas: Canvas, x: Log, y: float, ends: tuple[float, float], style: str) -> None:
    """Draw one range: a dot at the median, a stop at the 95th percentile, both in numbers."""
    p50, p95 = ends
    canvas.line(x(p50), y, x(p95), y, f"range {style}")
    canvas.line(x(p95), y - 5, x(p95), y + 5, f"range {style}")
    canvas.circle(x(p50), y, 5, f"dot {style}")
    canvas.text(max(x(p50), x(p95)) + 9, y + 4, f"{rounded(p50)} to {rounded(p95)}", "note")


def _in_words(latencies: Sequence[Latency], engine: str) -> str:
    told = (
        f"batch {one.batch}: PyTorch {rounded(one.original_p50_ms)} to {rounded(one.original_p95_ms)} ms, "
        f"{engine} {rounded(one.p50_ms)} to {rounded(one.p95_ms)} ms"
        for one in latencies
    )
    return "; ".join(told)
