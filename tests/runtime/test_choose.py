"""Which candidate is taken: the fastest, but among those about as fast the most precise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.contract.choices import Candidate, Engine, Objective, Precision
from modelyard.contract.report import Figure, Latency, Speed
from modelyard_runtime.choose import CLOSE, Contender, in_the_running, ranked

FP32, BF16, INT8 = Precision.FP32, Precision.BF16, Precision.INT8_WEIGHTS


def contender(precision: Precision, *, alone: float, batched: float) -> Contender:
    return timed(precision, *(latency(batch, speedup) for batch, speedup in ((1, alone), (8, batched))))


def glanced(precision: Precision, lower: float, upper: float) -> Contender:
    return timed(precision, latency(8, (lower + upper) / 2, lower=lower, upper=upper))


def timed(precision: Precision, *latencies: Latency) -> Contender:
    speed = Speed(threads=2, baseline="torch", latencies=latencies)
    return Contender(candidate=Candidate(engine=Engine.ONNX_RUNTIME, precision=precision), speed=speed)


def latency(batch: int, speedup: float, *, lower: float | None = None, upper: float | None = None) -> Latency:
    ratio = Figure(value=speedup, lower=lower or speedup, upper=upper or speedup, samples=8)
    return Latency(batch=batch, sequence=128, original_p50_ms=9, original_p95_ms=9, p50_ms=9, p95_ms=9, speedup=ratio)


@pytest.mark.parametrize(
    ("speedups", "objective", "order"),
    [
        ({FP32: (1.6, 1.3), BF16: (2.9, 2.4), INT8: (1.9, 1.7)}, Objective.THROUGHPUT, [BF16, INT8, FP32]),
        ({FP32: (1.6, 1.3), BF16: (2.0, 2.4), INT8: (2.4, 1.7)}, Objective.THROUGHPUT, [BF16, INT8, FP32]),
        ({FP32: (1.6, 1.3), BF16: (2.0, 2.4), INT8: (2.4, 1.7)}, Objective.LATENCY, [INT8, BF16, FP32]),
        ({FP32: (1.0, 2.0), INT8: (1.0, 2.1)}, Objective.THROUGHPUT, [FP32, INT8]),  # 5% apart: as fast
        ({FP32: (1.0, 2.0), INT8: (1.0, 2.11)}, Objective.THROUGHPUT, [INT8, FP32]),
        ({INT8: (1.0, 2.0), BF16: (1.0, 1.95), FP32: (1.0, 1.91)}, Objective.THROUGHPUT, [FP32, BF16, INT8]),
        ({INT8: (0.5, 0.4)}, Objective.THROUGHPUT, [INT8]),  # slower than the original: the user's gate says if it may
        ({}, Objective.THROUGHPUT, []),
    ],
)
def test_the_order_in_which_candidates_are_taken(
    speedups: dict[Precision, tuple[float, float]], objective: Objective, order: list[Precision]
) -> None:
    contenders = [contender(one, alone=alone, batched=batched) for one, (alone, batched) in speedups.items()]
    assert [one.candidate.precision for one in ranked(contenders, objective, 8)] == order


@given(st.permutations([(FP32, 1.0), (BF16, 1.02), (INT8, 1.5)]))
def test_the_order_of_asking_decides_nothing(asked: list[tuple[Precision, float]]) -> None:
    contenders = [contender(one, alone=speedup, batched=speedup) for one, speedup in asked]
    assert [one.candidate.precision for one in ranked(contenders, Objective.LATENCY, 8)] == [INT8, FP32, BF16]


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=3))
def test_whoever_is_taken_is_about_as_fast_as_the_fastest(speedups: list[float]) -> None:
    contenders = [
        contender(one, alone=speedup, batched=speedup)
        for one, speedup in zip((FP32, BF16, INT8), speedups, strict=False)
    ]
    order = ranked(contenders, Objective.THROUGHPUT, 8)
    assert sorted(map(id, order)) == sorted(map(id, contenders))
    assert order[0].speed.latencies[1].speedup.value >= CLOSE * max(speedups)


@pytest.mark.parametrize(
    ("bounds", "left"),
    [
        ({FP32: (1.0, 1.2), BF16: (2.2, 2.6), INT8: (1.6, 1.9)}, [BF16]),
        ({FP32: (1.0, 1.2), BF16: (2.0, 2.6), INT8: (1.6, 1.9)}, [BF16, INT8]),  # 1.9 is 5% below 2.0: as fast
        ({FP32: (1.0, 3.0), BF16: (2.2, 2.6), INT8: (1.6, 2.2)}, [FP32, BF16, INT8]),  # a noisy look drops nobody
        ({FP32: (0.4, 0.5)}, [FP32]),
        ({}, []),
    ],
)
def test_only_who_is_surely_slower_is_not_measured(
    bounds: dict[Precision, tuple[float, float]], left: list[Precision]
) -> None:
    contenders = [glanced(one, lower, upper) for one, (lower, upper) in bounds.items()]
    assert [one.candidate.precision for one in in_the_running(contenders, Objective.THROUGHPUT, 8)] == left


@given(st.lists(st.tuples(st.floats(0.1, 10), st.floats(0.5, 1), st.floats(1, 2)), min_size=3, max_size=3))
def test_a_look_whose_bounds_hold_never_drops_who_would_be_taken(truths: list[tuple[float, float, float]]) -> None:
    precisions = (FP32, BF16, INT8)
    looks = [glanced(one, t * low, t * high) for one, (t, low, high) in zip(precisions, truths, strict=True)]
    left = {one.candidate.precision for one in in_the_running(looks, Objective.THROUGHPUT, 8)}
    measured = [contender(one, alone=t, batched=t) for one, (t, _, _) in zip(precisions, truths, strict=True)]
    assert ranked(measured, Objective.THROUGHPUT, 8)[0].candidate.precision in left
