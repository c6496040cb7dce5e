"""Gates hold a figure by its bounds, never by the figure alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.contract.choices import Precision, Task
from modelyard.contract.report import Figure, Latency, Outcome, Sense
from modelyard.contract.request import ParityGate
from modelyard.gates import (
    DEFAULTS,
    GateNotApplicable,
    Verdict,
    gates_held,
    outcome_of,
    parity_for_task,
    parity_limits,
    parity_verdicts,
    performance_verdicts,
)

SURE = {"p1Cosine": 0.9999, "neighboursKept": 0.99, "minCosine": 0.999, "batchInvariance": 0.99999, "nonFinite": 0}


def figure(value: float, lower: float | None = None, upper: float | None = None) -> Figure:
    return Figure(
        value=value,
        lower=value if lower is None else lower,
        upper=value if upper is None else upper,
        samples=320,
    )


def verdict(verdicts: tuple[Verdict, ...], gate: str) -> Verdict:
    return next(found for found in verdicts if found.gate == gate)


@pytest.mark.parametrize(
    ("lower", "value", "upper", "outcome", "words"),
    [
        (0.9985, 0.999, 0.9995, Outcome.PASS, "p1Cosine 0.999 (95% bounds 0.9985, 0.9995) >= 0.998"),
        (0.998, 0.999, 0.9995, Outcome.PASS, ">= 0.998"),
        (0.9975, 0.999, 0.9995, Outcome.INCONCLUSIVE, "is not surely >= 0.998"),
        (0.99, 0.997, 0.998, Outcome.INCONCLUSIVE, "is not surely"),
        (0.99, 0.995, 0.9979, Outcome.MISS, "p1Cosine 0.995 (95% bounds 0.99, 0.9979) < 0.998"),
    ],
)
def test_a_figure_passes_where_its_whole_interval_does(
    lower: float, value: float, upper: float, outcome: Outcome, words: str
) -> None:
    figures = {name: figure(sure) for name, sure in SURE.items()} | {"p1Cosine": figure(value, lower, upper)}
    found = verdict(parity_verdicts(ParityGate(), Task.EMBEDDING, figures), "p1Cosine")
    assert found.outcome is outcome
    assert words in found.message


@pytest.mark.parametrize("trained", [True, False])
@pytest.mark.parametrize("precision", [Precision.FP32, Precision.INT8])
def test_what_a_report_keeps_of_gates_is_what_was_held(precision: Precision, trained: bool) -> None:  # noqa: FBT001 - a column of the table
    figures = {name: figure(sure) for name, sure in SURE.items()} | {"minCosine": figure(0.5)}
    verdicts = parity_verdicts(ParityGate(), Task.EMBEDDING, figures, precision, trained=trained)
    kept = gates_held(parity_limits(ParityGate(), Task.EMBEDDING, precision, trained=trained), figures)
    assert [(gate.gate, gate.outcome) for gate in kept] == [(one.gate, one.outcome) for one in verdicts]
    assert {gate.gate: gate.sense for gate in kept}["nonFinite"] is Sense.AT_MOST


def test_full_precision_is_held_closer_unless_the_user_says_otherwise() -> None:
    figures = {name: figure(value) for name, value in SURE.items()} | {"p1Cosine": figure(0.9985)}
    given = ParityGate(p1_cosine=0.998)
    for gate, precision, outcome in (
        (ParityGate(), Precision.BF16, Outcome.PASS),
        (ParityGate(), Precision.FP32, Outcome.MISS),
        (given, Precision.FP32, Outcome.PASS),
    ):
        assert outcome_of(parity_verdicts(gate, Task.EMBEDDING, figures, precision)) is outcome


def test_a_shift_must_stay_below_its_gate() -> None:
    figures = {"agreement": figure(1), "batchInvariance": figure(1), "maxShift": figure(0.04, 0.03, 0.06)}
    assert verdict(parity_verdicts(ParityGate(), Task.CLASSIFICATION, figures), "maxShift").outcome is (
        Outcome.INCONCLUSIVE
    )
    figures["maxShift"] = figure(0.07, 0.06, 0.08)
    assert verdict(parity_verdicts(ParityGate(), Task.CLASSIFICATION, figures), "maxShift").outcome is Outcome.MISS


def test_what_was_not_measured_proves_nothing() -> None:
    verdicts = parity_verdicts(ParityGate(), Task.EMBEDDING, {})
    assert {found.outcome for found in verdicts} == {Outcome.INCONCLUSIVE}
    assert outcome_of(verdicts) is Outcome.INCONCLUSIVE
    assert outcome_of(()) is Outcome.INCONCLUSIVE


def test_one_miss_outweighs_everything() -> None:
    passed = Verdict(gate="a", outcome=Outcome.PASS, message="")
    unsure = Verdict(gate="b", outcome=Outcome.INCONCLUSIVE, message="")
    missed = Verdict(gate="c", outcome=Outcome.MISS, message="")
    assert outcome_of((passed, unsure, missed)) is Outcome.MISS
    assert outcome_of((passed, unsure)) is Outcome.INCONCLUSIVE
    assert outcome_of((passed, passed)) is Outcome.PASS


def test_a_gate_of_another_task_is_refused_with_those_it_has() -> None:
    with pytest.raises(GateNotApplicable, match=r"no figure for agreement.*use p1Cosine, neighboursKept"):
        parity_for_task(ParityGate(agreement=0.9), Task.EMBEDDING)
    with pytest.raises(GateNotApplicable, match="can't be proven; set task to"):
        parity_for_task(ParityGate(), Task.GENERATION)


@pytest.mark.parametrize("task", DEFAULTS)
def test_what_the_user_says_wins_over_the_default(task: Task) -> None:
    name = next(iter(DEFAULTS[task]))
    gate = parity_for_task(ParityGate.model_validate({name: 0.5}), task).model_dump(exclude_none=True)
    assert gate == dict(DEFAULTS[task]) | {name: 0.5}


def latency(speedup: Figure, p95: float = 20.0, batch: int = 8) -> Latency:
    return Latency(
        batch=batch,
        sequence=128,
        original_p50_ms=40,
        original_p95_ms=50,
        p50_ms=10,
        p95_ms=p95,
        speedup=speedup,
    )


@pytest.mark.parametrize(
    ("min_speedup", "max_p95", "outcomes"),
    [
        (0, None, []),
        (1.0, None, [Outcome.PASS]),
        (3.95, None, [Outcome.INCONCLUSIVE]),
        (5.0, None, [Outcome.MISS]),
        (1.0, 25.0, [Outcome.PASS, Outcome.PASS]),
        (0, 19.9, [Outcome.MISS]),
    ],
)
def test_speed_is_held_at_the_batch_asked_for(
    min_speedup: float, max_p95: float | None, outcomes: list[Outcome]
) -> None:
    measured = (latency(figure(1.0), batch=1), latency(figure(4.0, 3.9, 4.1)))
    verdicts = performance_verdicts(min_speedup=min_speedup, max_p95_ms=max_p95, latencies=measured, batch=8)
    assert [found.outcome for found in verdicts] == outcomes


def test_speed_at_a_batch_that_was_not_measured_is_inconclusive() -> None:
    verdicts = performance_verdicts(min_speedup=1, max_p95_ms=5, latencies=(latency(figure(4.0)),), batch=32)
    assert [found.outcome for found in verdicts] == [Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE]


@given(
    bounds=st.lists(st.floats(0, 1), min_size=3, max_size=3).map(sorted),
    limit=st.floats(0, 1),
)
def test_a_lower_gate_never_turns_a_pass_into_less(bounds: list[float], limit: float) -> None:
    figures = {"p1Cosine": figure(bounds[1], bounds[0], bounds[2])}
    order = [Outcome.MISS, Outcome.INCONCLUSIVE, Outcome.PASS]

    def rank(gate: float) -> int:
        verdicts = parity_verdicts(ParityGate(p1_cosine=gate), Task.EMBEDDING, figures)
        return order.index(verdict(verdicts, "p1Cosine").outcome)

    assert rank(limit / 2) >= rank(limit)
