"""Gates: figures held against what the user asks for, by their one-sided 95% bounds.

Pure and light, so that the runtime's choice among candidates and the operator's proof before traffic are one code.
A figure passes where its whole interval does, misses where none of it does, and proves nothing in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic.alias_generators import to_camel

from modelyard.contract.choices import Precision, Task
from modelyard.contract.report import Figure, GateReport, Latency, Outcome, Sense
from modelyard.contract.request import ParityGate


class GateNotApplicable(ValueError):
    """A gate that the model's task has no figure for. Says which gates it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What the figure of a gate's name is held to."""

    gate: str
    sense: Sense
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One gate, held. ``message`` has the numbers: ``p1Cosine 0.9971 (95% bounds 0.9966, 0.9975) < 0.998``."""

    gate: str
    outcome: Outcome
    message: str


SENSES: Mapping[str, Sense] = {
    "p1_cosine": Sense.AT_LEAST,
    "neighbours_kept": Sense.AT_LEAST,
    "min_cosine": Sense.AT_LEAST,
    "agreement": Sense.AT_LEAST,
    "max_shift": Sense.AT_MOST,
    "logit_error": Sense.AT_MOST,
    "entity_f1": Sense.AT_LEAST,
    "order_kept": Sense.AT_LEAST,
    "batch_invariance": Sense.AT_LEAST,
}

DEFAULTS: Mapping[Task, Mapping[str, float]] = {
    Task.EMBEDDING: {"p1_cosine": 0.998, "neighbours_kept": 0.95, "min_cosine": 0.98, "batch_invariance": 0.9995},
    Task.CLASSIFICATION: {"agreement": 0.99, "max_shift": 0.05, "logit_error": 0.05, "batch_invariance": 0.9995},
    Task.TOKEN_CLASSIFICATION: {
        "agreement": 0.99,
        "max_shift": 0.05,
        "logit_error": 0.05,
        "entity_f1": 0.99,
        "batch_invariance": 0.9995,
    },
    Task.RERANKING: {"logit_error": 0.05, "order_kept": 0.98, "batch_invariance": 0.9995},
}
"""What each task is held to where the user says nothing."""

FULL_PRECISION: Mapping[str, float] = {
    "p1_cosine": 0.9999,
    "neighbours_kept": 0.99,
    "min_cosine": 0.999,
    "max_shift": 0.005,
    "logit_error": 0.005,
}
"""What FP32 is held to instead: it rounds nothing away, so a difference that INT8 is allowed would be a mistake here.

Measured on MiniLM: FP32 as exported stays within 1e-6, and a product off by a tenth moves the first percentile to
0.9979 only, which the gates for fewer bits could not tell from rounding.
"""

NON_FINITE = "nonFinite"
"""Answers that hold a NaN or an infinity, of all that came: alone, in company, of extremes and of neighbours."""

GREATEST_ERROR = "greatestError"
EXPORT_ERROR = 1e-4
"""What untrained weights are held to at FP32: they prove an export, and at fewer bits nothing."""


def parity_for_task(gate: ParityGate, task: Task, precision: Precision | None = None) -> ParityGate:
    """Return the gate with the defaults of the task at this precision filled in (None: one below FP32).

    Raises GateNotApplicable for a gate that the task has no figure for, and for a task without figures.
    """
    defaults = dict(DEFAULTS.get(task, {}))
    if not defaults:
        raise GateNotApplicable(f"the task {task} can't be proven; set task to one of {', '.join(DEFAULTS)}")
    if precision is Precision.FP32:
        defaults |= {name: FULL_PRECISION[name] for name in defaults if name in FULL_PRECISION}
    given = gate.model_dump(exclude_none=True)
    if strangers := sorted(set(given) - set(defaults)):
        raise GateNotApplicable(
            f"the task {task} has no figure for {_names(strangers)}; remove it from gates.parity, "
            f"or use {_names(defaults)}"
        )
    return ParityGate.model_validate(defaults | given)


def parity_verdicts(
    gate: ParityGate,
    task: Task,
    figures: Mapping[str, Figure],
    precision: Precision | None = None,
    *,
    trained: bool = True,
) -> tuple[Verdict, ...]:
    """Return a verdict for each gate of the task, in the order of ``DEFAULTS``, then for those that nobody can loosen.

    figures: by the gate's camelCase name, as in ``Parity.figures``. A figure that wasn't measured proves nothing.
    trained: as in ``SourceReport``. Raises GateNotApplicable.
    """
    limits = parity_limits(gate, task, precision, trained=trained)
    return tuple(_held(one.gate, one.limit, figures.get(one.gate), one.sense) for one in limits)


def parity_limits(
    gate: ParityGate, task: Task, precision: Precision | None = None, *, trained: bool = True
) -> tuple[Limit, ...]:
    """Return what ``parity_verdicts`` holds figures to, in its order. Raises GateNotApplicable."""
    given = parity_for_task(gate, task, precision).model_dump(exclude_none=True)
    limits = [Limit(gate=to_camel(name), sense=SENSES[name], limit=limit) for name, limit in given.items()]
    limits.append(Limit(gate=NON_FINITE, sense=Sense.AT_MOST, limit=0))
    if not trained and precision is Precision.FP32:
        limits.append(Limit(gate=GREATEST_ERROR, sense=Sense.AT_MOST, limit=EXPORT_ERROR))
    return tuple(limits)


def gates_held(limits: Iterable[Limit], figures: Mapping[str, Figure]) -> tuple[GateReport, ...]:
    """Return the verdicts on figures as a report keeps them."""
    return tuple(
        GateReport(
            gate=one.gate,
            sense=one.sense,
            limit=one.limit,
            outcome=_held(one.gate, one.limit, figures.get(one.gate), one.sense).outcome,
        )
        for one in limits
    )


def performance_verdicts(
    *, min_speedup: float, max_p95_ms: float | None, latencies: tuple[Latency, ...], batch: int
) -> tuple[Verdict, ...]:
    """Return the verdicts on speed at ``batch`` texts a call. ``min_speedup`` 0 turns that gate off."""
    measured = next((latency for latency in latencies if latency.batch == batch), None)
    verdicts = []
    if min_speedup > 0:
        speedup = measured.speedup if measured else None
        verdicts.append(_held("minSpeedup", min_speedup, speedup, Sense.AT_LEAST))
    if max_p95_ms is not None:
        p95 = measured.p95_ms if measured else None
        verdicts.append(_held("maxP95", max_p95_ms, None if p95 is None else _exact(p95), Sense.AT_MOST, unit=" ms"))
    return tuple(verdicts)


def proven_by_untrained(precision: Precision) -> str:
    """Return what passing gates prove of weights that are untrained: such agree about anything."""
    if precision is Precision.FP32:
        return f"untrained weights prove the export (to {EXPORT_ERROR:g}), and no quality"
    return f"untrained weights agree about anything, and prove nothing of {precision}"


def outcome_of(verdicts: tuple[Verdict, ...] | tuple[GateReport, ...]) -> Outcome:
    """Return Miss if any missed, else Inconclusive if any is, else Pass. Nothing held is nothing proven."""
    outcomes = {verdict.outcome for verdict in verdicts}
    for outcome in (Outcome.MISS, Outcome.INCONCLUSIVE):
        if outcome in outcomes:
            return outcome
    return Outcome.PASS if outcomes else Outcome.INCONCLUSIVE


def _held(gate: str, limit: float, figure: Figure | None, sense: Sense, unit: str = "") -> Verdict:
    """Return the verdict on one figure."""
    if figure is None:
        return Verdict(gate=gate, outcome=Outcome.INCONCLUSIVE, message=f"{gate} was not measured")
    at_least = sense is Sense.AT_LEAST
    worst, best = (figure.lower, figure.upper) if at_least else (figure.upper, figure.lower)
    if worst >= limit if at_least else worst <= limit:
        outcome, relation = Outcome.PASS, sense.value
    elif best < limit if at_least else best > limit:
        outcome, relation = Outcome.MISS, "<" if at_least else ">"
    else:
        outcome, relation = Outcome.INCONCLUSIVE, "is not surely " + sense.value
    bounds = "" if figure.lower == figure.upper else f" (95% bounds {figure.lower:.5g}, {figure.upper:.5g})"
    message = f"{gate} {figure.value:.5g}{unit}{bounds} {relation} {limit:.5g}{unit}"
    return Verdict(gate=gate, outcome=outcome, message=message)


def _exact(value: float) -> Figure:
    """Return a figure without bounds: what was measured is what is held."""
    return Figure(value=value, lower=value, upper=value, samples=1)


def _names(fields: Iterable[str]) -> str:
    return ", ".join(to_camel(name) for name in fields)
