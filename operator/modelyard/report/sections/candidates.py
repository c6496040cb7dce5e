"""The whole field: every candidate with its numbers, and why each was dropped."""

from __future__ import annotations

from modelyard.contract.report import BuildReport, CandidateOutcome, CandidateReport
from modelyard.report.document import Cell, Kind, Plot, Row, Section, Table, Tone, quantity, text
from modelyard.report.judged import Leading, counted_batch, drawable, latency_at, leading_of, name_of
from modelyard.report.plots.field import Point, field_plot
from modelyard.report.words import bounds, megabytes, number, seconds, times, times_bounds

OUTCOMES = {
    CandidateOutcome.CHOSEN: ("chosen", Tone.GOOD),
    CandidateOutcome.SLOWER: ("slower", None),
    CandidateOutcome.MISSED_PARITY: ("missed parity", Tone.BAD),
    CandidateOutcome.FAILED: ("failed", Tone.BAD),
}
ALONE = "One candidate was asked for by name, so there was nothing to choose."
CHOSEN_BY = (
    "The fastest is taken of those that hold the gates, or the most precise of those within 5% of it. The chosen one "
    "is proven on texts that were used for nothing else, and measured at length after it was chosen; the others were "
    "asked on the texts that choose, and measured at the batch size that decides."
)
NO_BOUND = "Where so few texts give a figure no bound, the bound stands at the end of what the figure can be."
NONE = "—"


def candidates(report: BuildReport) -> Section:
    """Return the section."""
    alone = len(report.candidates) == 1
    plot = _plot(report)
    return Section(
        anchor="candidates",
        title="Candidates",
        words=(ALONE,) if alone else (CHOSEN_BY, NO_BOUND),
        blocks=(*((plot,) if plot else ()), _table(report), _reasons(report)),
    )


def _table(report: BuildReport) -> Table:
    batches = sorted({one.batch for c in report.candidates if c.speed for one in c.speed.latencies})
    return Table(
        caption="The field, in the order in which it was tried",
        columns=(
            "candidate",
            "outcome",
            "agreement",
            "answers",
            *(f"speedup, batch {batch}" for batch in batches),
            "size",
            "time spent",
        ),
        rows=tuple(_row(report, candidate, batches) for candidate in report.candidates),
    )


def _row(report: BuildReport, candidate: CandidateReport, batches: list[int]) -> Row:
    word, tone = OUTCOMES[candidate.outcome]
    leading = leading_of(report, candidate)
    latencies = [latency_at(candidate, batch) for batch in batches]
    return (
        Cell(text=name_of(candidate), strong=candidate.outcome is CandidateOutcome.CHOSEN),
        Cell(text=word, tone=tone),
        Cell(
            text=f"{leading.name} {number(leading.figure.value)}" if leading else NONE,
            kind=Kind.NUMBER,
            note=bounds(leading.figure) if leading else "",
        ),
        quantity(str(leading.figure.samples) if leading else NONE),
        *(
            Cell(
                text=times(latency.speedup.value) if latency else NONE,
                kind=Kind.NUMBER,
                note=times_bounds(latency.speedup) if latency else "",
            )
            for latency in latencies
        ),
        quantity(megabytes(candidate.size) if candidate.size is not None else NONE),
        quantity(seconds(candidate.seconds) if candidate.seconds is not None else NONE),
    )


def _reasons(report: BuildReport) -> Table:
    """Return what became of each in its own words."""
    return Table(
        caption="Why, in the build's own words",
        columns=("candidate", "outcome", "what it says"),
        rows=tuple(
            (text(name_of(one)), Cell(text=OUTCOMES[one.outcome][0], tone=OUTCOMES[one.outcome][1]), text(one.message))
            for one in report.candidates
        ),
    )


def _plot(report: BuildReport) -> Plot | None:
    """Return the field as a picture, None where no candidate was asked."""
    batch, wanted = counted_batch(report), leading_of(report, report.chosen)
    points = [(one, _point(report, one, batch, wanted)) for one in report.candidates]
    shown = [point for _, point in points if point is not None]
    if wanted is None or not shown:
        return None
    words = wanted.words
    svg = field_plot(
        shown,
        f"times as fast as the original, batch {batch}",
        f"distance: {words} (nearer is higher)",
    )
    caption = (
        f"Speed at batch {batch} against the distance from the original ({words}), with 95% bounds. The bar at the end "
        "of each thread is the gate that the candidate had to stay above. A bound that leaves the picture is one that "
        "so few texts can't give."
    )
    if any(point.speedup is None for point in shown):
        caption += " On the left stand those that were dropped before their speed was measured."
    if left_out := [name_of(one) for one, point in points if point is None]:
        caption += f" Not shown, for want of a number: {', '.join(left_out)}."
    return Plot(svg=svg, caption=caption)


def _point(report: BuildReport, candidate: CandidateReport, batch: int | None, wanted: Leading | None) -> Point | None:
    """Return a candidate as the picture has it, None where it has not the figure that the chosen one is shown by."""
    leading, latency = leading_of(report, candidate), latency_at(candidate, batch)
    if leading is None or wanted is None or leading.name != wanted.name or not drawable(leading.distance):
        return None
    return Point(
        name=name_of(candidate),
        outcome=candidate.outcome,
        speedup=latency.speedup if latency and drawable(latency.speedup) else None,
        distance=leading.distance,
        gate=leading.gate,
    )
