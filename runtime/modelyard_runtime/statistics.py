"""One-sided 95% bounds: what a figure is at worst, given that so few texts were asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from modelyard.contract.report import Figure

RISK = 0.05
RESAMPLES = 2000
CLUSTERED_RESAMPLES = 500
"""Of values by the thousand: fewer, since each weighs them all anew."""
TAIL_RISK = RISK / 2
"""What a bootstrap is asked for in a tail: there it is too sure, and holds in 92% of samples where it says 95%."""
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
    below = np.cumsum(_binomial(n, share))  # P(K <= k)
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
        return float(_binomial(samples, share)[count:].sum())

    lower = 0.0 if hits == 0 else _solve(lambda p: at_least(p, hits) - RISK)
    upper = 1.0 if hits == samples else _solve(lambda p: at_least(p, hits + 1) - (1 - RISK))
    return Figure(value=hits / samples, lower=lower, upper=upper, samples=samples)


def clustered_share_figure(hits: npt.NDArray[np.int_], counts: npt.NDArray[np.int_]) -> Figure:
    """Return the share of hits among all that texts count, each text many. hits, counts: [texts].

    Bounded by the wider of texts drawn anew, since what is in one goes wrong together, and of the exact bounds of as
    many single ones: where nothing was missed, drawing anew shows no spread.
    """
    exact = share_figure(int(hits.sum()), int(counts.sum()))
    lower, upper = drawn_anew(hits, counts)
    return exact.model_copy(update={"lower": min(exact.lower, lower), "upper": max(exact.upper, upper)})


def clustered_percentile_figure(
    values: npt.NDArray[np.float64], owners: npt.NDArray[np.intp], share: float, *, lowest: float, highest: float
) -> Figure:
    """Return the quantile of ``share`` over the values of texts that have many each. owners: the text of each value.

    Bounded by the wider of texts drawn anew and of order statistics.
    """
    plain = percentile_figure(values, share, lowest=lowest, highest=highest)
    order = np.argsort(values)
    texts, place = np.unique(owners, return_inverse=True)
    weights = _times_drawn(len(texts), CLUSTERED_RESAMPLES)
    found = []
    for drawn in weights:  # one by one: all at once they would be millions of numbers
        reached = np.cumsum(drawn[place[order]])
        found.append(values[order[int(np.searchsorted(reached, share * reached[-1]))]])
    lower, upper = np.quantile(found, [TAIL_RISK, 1 - TAIL_RISK])
    return plain.model_copy(update={"lower": min(plain.lower, float(lower)), "upper": max(plain.upper, float(upper))})


def drawn_anew(hits: npt.NDArray[np.int_], counts: npt.NDArray[np.int_]) -> tuple[float, float]:
    """Return the bounds of sum(hits) / sum(counts) by a bootstrap over texts (fixed seed). hits, counts: [texts]."""
    weights = _times_drawn(len(counts), RESAMPLES)
    shares = (weights @ hits) / np.maximum(weights @ counts, 1)
    lower, upper = np.quantile(shares, [RISK, 1 - RISK])
    return float(lower), float(upper)


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


@lru_cache(maxsize=8)
def _log_factorials(n: int) -> npt.NDArray[np.float64]:
    """Return the logarithms of 0! .. n!."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])


def _binomial(n: int, share: float) -> npt.NDArray[np.float64]:
    """Return the probability of each count 0 .. n of hits, for a share within 0 and 1. By logarithms: n is large."""
    k, logs = np.arange(n + 1), _log_factorials(n)
    logs = logs[n] - logs - logs[::-1] + k * np.log(share) + (n - k) * np.log1p(-share)
    return np.asarray(np.exp(logs), dtype=np.float64)


def _times_drawn(texts: int, times: int) -> npt.NDArray[np.int64]:
    """Return how often each text is drawn where as many as there are are drawn with replacement, [times, texts]."""
    return np.random.default_rng(SEED).multinomial(texts, np.full(texts, 1 / texts), size=times)


def _solve(rising: Callable[[float], float]) -> float:
    """Return where a rising function of a share crosses 0, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2
