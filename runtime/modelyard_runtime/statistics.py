"""One-sided 95% bounds: what a figure is at worst, given that so few texts were asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt

from modelyard.contract.report import Figure

RISK = 0.05
RESAMPLES = 2000
SEED = 20_240_517
BISECTIONS = 60


def percentile_figure(
    values: Sequence[float] | npt.NDArray[np.float64], share: float, *, lowest: float, highest: float
) -> Figure:
    """Return the quantile of ``share`` (0.01: the first percentile), bounded by order statistics.

    Of n values, k lie below the true quantile with k binomial(n, share), whatever the distribution is. The lower
    bound is the largest value that lies above it in at most 5% of samples; with 320 values and 0.01 it is the minimum.
    Where so few values have no bound (fewer than 299 for 0.01) it is the end of the figure's own range.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = len(ordered)
    below = np.cumsum([comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)])  # P(K <= k)
    lower_rank = int(np.searchsorted(below, RISK, side="right")) - 1  # the largest r with P(K <= r) <= 5%
    upper_rank = int(np.searchsorted(below, 1 - RISK))  # the smallest r with P(K <= r) >= 95%
    return Figure(
        value=float(np.quantile(ordered, share, method="inverted_cdf")),
        lower=float(ordered[lower_rank]) if lower_rank >= 0 else lowest,
        upper=float(ordered[upper_rank]) if upper_rank < n else highest,
        samples=n,
    )


def share_figure(hits: int, samples: int) -> Figure:
    """Return the share ``hits / samples``, bounded as Clopper and Pearson do: exact, never too narrow."""
    if samples == 0:
        return Figure(value=0.0, lower=0.0, upper=1.0, samples=0)

    def at_least(share: float, count: int) -> float:
        return sum(comb(samples, k) * share**k * (1 - share) ** (samples - k) for k in range(count, samples + 1))

    lower = 0.0 if hits == 0 else _solve(lambda p: at_least(p, hits) - RISK)
    upper = 1.0 if hits == samples else _solve(lambda p: at_least(p, hits + 1) - (1 - RISK))
    return Figure(value=hits / samples, lower=lower, upper=upper, samples=samples)


def mean_figure(values: Sequence[float] | npt.NDArray[np.float64]) -> Figure:
    """Return the mean, bounded by a bootstrap over the values (fixed seed: the same data give the same bounds)."""
    sample = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(SEED)
    means = sample[rng.integers(0, len(sample), (RESAMPLES, len(sample)))].mean(axis=1)
    lower, upper = np.quantile(means, [RISK, 1 - RISK])
    return Figure(value=float(sample.mean()), lower=float(lower), upper=float(upper), samples=len(sample))


def median_figure(values: Sequence[float] | npt.NDArray[np.float64]) -> Figure:
    """Return the median of at least five values, bounded by order statistics."""
    return percentile_figure(values, 0.5, lowest=float(min(values)), highest=float(max(values)))


def extreme_figure(values: Sequence[float] | npt.NDArray[Any], worst: float) -> Figure:
    """Return the worst of all values as its own bound: it is what was seen, not an estimate."""
    return Figure(value=worst, lower=worst, upper=worst, samples=len(values))


def _solve(rising: Callable[[float], float]) -> float:
    """Return where a rising function of a share crosses 0, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2
