"""How fast the artifact is beside the original."""

from __future__ import annotations

import math

from modelyard.contract.report import BuildReport, Latency
from modelyard.report.document import Plot, Row, Section, Table, quantity
from modelyard.report.judged import name_of
from modelyard.report.plots.latency import latency_plot
from modelyard.report.words import count, milliseconds, rounded, times, times_bounds

NOT_MEASURED = "Speed was not measured."
HOW = (
    "Both are asked the same tokens in alternation, so that a machine that gets busier does so for both; the speedup "
    "is the median of the paired ratios. It says what the engine gains, not what clients see: a revision serves copies "
    "with one thread each, behind a proxy and a network."
)


def speed(report: BuildReport) -> Section:
    """Return the section."""
    measured = report.chosen.speed
    if measured is None or not measured.latencies:
        return Section(anchor="speed", title="Speed", words=(NOT_MEASURED,), blocks=())
    name = name_of(report.chosen)
    beside = (
        f"{name}, called through {report.served_by}, beside {measured.baseline}; each on {measured.threads} "
        f"{'thread' if measured.threads == 1 else 'threads'} of {report.machine.cpu}."
    )
    table = Table(
        caption="One call, original and engine",
        columns=(
            "batch",
            "tokens a text",
            "original, median",
            "original, 95%",
            "engine, median",
            "engine, 95%",
            "texts a second",
            "speedup",
            "95% bounds",
            "pairs",
        ),
        rows=tuple(_row(latency) for latency in measured.latencies),
    )
    drawn = tuple(latency for latency in measured.latencies if _drawable(latency))
    plot = Plot(
        svg=latency_plot(drawn, name),
        caption="A ring is the original, a dot the engine, both at the median; the line ends at the 95th percentile.",
    )
    return Section(anchor="speed", title="Speed", words=(beside, HOW), blocks=(plot, table) if drawn else (table,))


def _row(latency: Latency) -> Row:
    return (
        quantity(str(latency.batch)),
        quantity(str(latency.sequence)),
        quantity(milliseconds(latency.original_p50_ms)),
        quantity(milliseconds(latency.original_p95_ms)),
        quantity(milliseconds(latency.p50_ms)),
        quantity(milliseconds(latency.p95_ms)),
        quantity(rounded(latency.batch / latency.p50_ms * 1000) if latency.p50_ms > 0 else "—"),
        quantity(times(latency.speedup.value)),
        quantity(times_bounds(latency.speedup)),
        quantity(count(latency.speedup.samples)),
    )


def _drawable(latency: Latency) -> bool:
    values = (latency.original_p50_ms, latency.original_p95_ms, latency.p50_ms, latency.p95_ms)
    return all(math.isfinite(value) for value in values)
