"""What a report says of gates, and which figure stands for a candidate's agreement."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from modelyard.contract.choices import Objective
from modelyard.contract.report import BuildReport, CandidateReport, Figure, GateReport, Latency, Sense
from modelyard.contract.request import ParityGate
from modelyard.gates import GateNotApplicable, gates_held, parity_limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Leading:
    """A figure that stands for a candidate's agreement, as a distance: 0 for the same answers.

    words: what the distance is; gate: the distance it is held to, if it is held to any.
    """

    name: str
    words: str
    figure: Figure
    distance: Figure
    gate: float | None


PREFERRED: Mapping[str, str] = {
    "p1Cosine": "1 less the first percentile of the cosine",
    "maxShift": "99th percentile of the shift of a probability",
    "logitError": "99th percentile of the shift of a score, in standard deviations of the scores",
}
"""Figures that tell best how near a candidate is, and of which distance. Elsewhere the first gate's figure does."""


def gates_of(report: BuildReport, candidate: CandidateReport) -> tuple[GateReport, ...]:
    """Return the gates that a candidate was held to.

    Older builds did not keep them: then those of this version by default, see ``keeps_gates``.
    """
    if candidate.gates or candidate.parity is None:
        return candidate.gates
    source = report.source
    try:
        limits = parity_limits(ParityGate(), source.task, candidate.precision, trained=source.trained)
    except GateNotApplicable:
        return ()
    return gates_held(limits, candidate.parity.figures)


def keeps_gates(report: BuildReport) -> bool:
    """Return whether the build kept the gates that it held its figures to."""
    return any(candidate.gates for candidate in report.candidates)


def leading_of(report: BuildReport, candidate: CandidateReport) -> Leading | None:
    """Return the figure that stands for a candidate's agreement, None where it was not asked."""
    if candidate.parity is None:
        return None
    figures = candidate.parity.figures
    gates = {gate.gate: gate for gate in gates_of(report, candidate) if math.isfinite(gate.limit)}
    name = next((name for name in (*PREFERRED, *gates) if name in figures), None)
    if name is None:
        return None
    gate = gates.get(name)
    near_one = name == "p1Cosine" or (gate is not None and gate.sense is Sense.AT_LEAST)
    figure = figures[name]
    return Leading(
        name=name,
        words=PREFERRED.get(name, f"1 less {name}" if near_one else name),
        figure=figure,
        distance=_complement(figure) if near_one else figure,
        gate=None if gate is None else (1 - gate.limit if near_one else gate.limit),
    )


def counted_batch(report: BuildReport) -> int | None:
    """Return the batch size that decided, None where nothing was measured.

    Older builds did not say: then the greatest one that all candidates were measured at.
    """
    if report.asked:
        return report.asked.batch if report.asked.objective is Objective.THROUGHPUT else 1
    measured = [{one.batch for one in c.speed.latencies} for c in report.candidates if c.speed]
    return max(set.intersection(*measured), default=None) if measured else None


def latency_at(candidate: CandidateReport, batch: int | None) -> Latency | None:
    """Return what was measured at a batch size."""
    latencies = candidate.speed.latencies if candidate.speed else ()
    return next((latency for latency in latencies if latency.batch == batch), None)


def name_of(candidate: CandidateReport) -> str:
    """Return a candidate's name as people say it."""
    return f"{candidate.engine} {candidate.precision}"


def drawable(*figures: Figure) -> bool:
    """Return whether figures are numbers that have a place on a picture."""
    return all(math.isfinite(value) for figure in figures for value in (figure.value, figure.lower, figure.upper))


def _complement(figure: Figure) -> Figure:
    return Figure(value=1 - figure.value, lower=1 - figure.upper, upper=1 - figure.lower, samples=figure.samples)
