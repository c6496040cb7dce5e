"""Which candidate becomes the artifact: pure, so that the rule is a table in a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelyard.contract.choices import Candidate, Objective, Precision
from modelyard.contract.report import Speed

CLOSE = 0.95
"""A candidate of at least this share of the fastest's speedup counts as just as fast."""

PRECISIONS = (
    Precision.FP32,
    Precision.FP16,
    Precision.BF16,
    Precision.FP8,
    Precision.INT8_WEIGHTS,
    Precision.INT8,
    Precision.INT4_WEIGHTS,
)
"""From the most precise on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A candidate that has not missed parity, and its speed."""

    candidate: Candidate
    speed: Speed


def ranked(contenders: Sequence[Contender], objective: Objective, batch: int) -> list[Contender]:
    """Return the contenders, the one to take first: the most precise of those about as fast as the fastest.

    Throughput counts at ``batch`` texts a call, Latency at one.
    """
    at = batch if objective is Objective.THROUGHPUT else 1
    left = sorted(contenders, key=lambda one: -speedup(one.speed, at))
    order = []
    while left:
        close = [one for one in left if speedup(one.speed, at) >= CLOSE * speedup(left[0].speed, at)]
        first = min(close, key=lambda one: PRECISIONS.index(one.candidate.precision))
        order.append(first)
        left.remove(first)
    return order


def speedup(speed: Speed, batch: int) -> float:
    """Return the measured speedup at a batch size."""
    return next(latency.speedup.value for latency in speed.latencies if latency.batch == batch)
