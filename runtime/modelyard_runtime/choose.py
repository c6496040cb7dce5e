"""Which candidate becomes the artifact: pure, so that the rule is a table in a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelyard.contract.choices import Candidate, Objective, Precision
from modelyard.contract.report import Figure, Speed

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


def in_the_running(contenders: Sequence[Contender], objective: Objective, batch: int) -> list[Contender]:
    """Return the contenders that may yet turn out about as fast as the fastest, by the bounds of a short look."""
    at = counted_batch(objective, batch)
    surely = max((_ratio(one.speed, at).lower for one in contenders), default=0.0)
    return [one for one in contenders if _ratio(one.speed, at).upper >= CLOSE * surely]


def counted_batch(objective: Objective, batch: int) -> int:
    """Return the batch size that decides: ``batch`` texts a call for Throughput, one for Latency."""
    return batch if objective is Objective.THROUGHPUT else 1


def ranked(contenders: Sequence[Contender], objective: Objective, batch: int) -> list[Contender]:
    """Return the contenders, the one to take first: the most precise of those about as fast as the fastest."""
    at = counted_batch(objective, batch)
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
    return _ratio(speed, batch).value


def _ratio(speed: Speed, batch: int) -> Figure:
    return next(latency.speedup for latency in speed.latencies if latency.batch == batch)
