"""Bounds are one-sided at 95%: never narrower than the data allow, whatever their distribution is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.contract.report import Figure
from modelyard_runtime.statistics import (
    clustered_percentile_figure,
    clustered_share_figure,
    extreme_figure,
    mean_figure,
    median_figure,
    percentile_figure,
    share_figure,
)

finite = st.floats(-1e6, 1e6)
samples = st.lists(finite, min_size=1, max_size=400)


def first_percentile(values: list[float]) -> Figure:
    return percentile_figure(values, 0.01, lowest=-1, highest=1)


@pytest.mark.parametrize(
    ("count", "lower", "upper"),
    [
        (320, 0, 6),  # 0.99**320 = 0.040: the minimum lies below the first percentile in 96% of samples
        (300, 0, 6),
        (299, 0, 6),
        (298, None, 6),  # 0.99**298 = 0.0500036: not even the minimum is sure enough
        (160, None, 4),
        (20, None, 1),
        (5, None, 0),
    ],
)
def test_the_first_percentile_is_bounded_by_ranks_and_by_nothing_where_texts_are_too_few(
    count: int, lower: int | None, upper: int
) -> None:
    ranks = [rank / count for rank in range(count)]
    found = first_percentile(ranks)
    assert found.lower == (-1 if lower is None else lower / count)
    assert found.upper == upper / count
    assert found.samples == count


def test_the_last_percentile_mirrors_the_first() -> None:
    values = np.random.default_rng(1).standard_normal(320)
    first = percentile_figure(values, 0.01, lowest=-9, highest=9)
    last = percentile_figure(-values, 0.99, lowest=-9, highest=9)
    assert (last.lower, last.upper) == (-first.upper, -first.lower)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_bounds_hold_the_true_quantile_as_often_as_they_say(share: float) -> None:
    truth = float(-np.log(1 - share))  # of an exponential distribution, which is far from normal
    drawn = np.random.default_rng(2).exponential(size=(2000, 320))
    figures = [percentile_figure(values, share, lowest=0, highest=np.inf) for values in drawn]
    # 2,000 draws tell 95% from less by 0.8 points (two deviations of the binomial).
    assert np.mean([figure.lower <= truth for figure in figures]) >= 0.942
    assert np.mean([figure.upper >= truth for figure in figures]) >= 0.942


@given(samples)
def test_a_percentile_lies_within_its_bounds(values: list[float]) -> None:
    found = percentile_figure(values, 0.01, lowest=-1e6, highest=1e6)
    assert found.lower <= found.value <= found.upper


@given(st.lists(finite, min_size=1, max_size=320), finite)
def test_one_more_bad_text_never_raises_the_lower_bound(values: list[float], worse: float) -> None:
    worst = min(worse, *values)
    more = first_percentile([*values[1:], worst])
    assert more.lower <= first_percentile(values).lower
    assert more.value <= first_percentile(values).value


@pytest.mark.parametrize(
    ("hits", "count", "lower", "upper"),
    [  # Clopper and Pearson's, from the quantiles of the beta distribution
        (320, 320, 0.99068, 1.0),
        (319, 320, 0.98526, 0.99984),
        (299, 299, 0.99003, 1.0),
        (298, 298, 0.99, 1.0),
        (5, 10, 0.22244, 0.77756),
        (0, 10, 0.0, 0.25887),
        (10, 10, 0.74113, 1.0),
        (1, 1, 0.05, 1.0),
    ],
)
def test_a_share_has_exact_bounds(hits: int, count: int, lower: float, upper: float) -> None:
    found = share_figure(hits, count)
    assert found.value == hits / count
    assert found.lower == pytest.approx(lower, abs=1e-5)
    assert found.upper == pytest.approx(upper, abs=1e-5)


def test_a_share_of_nothing_says_nothing() -> None:
    found = share_figure(0, 0)
    assert (found.lower, found.upper, found.samples) == (0, 1, 0)


@given(st.integers(1, 320).flatmap(lambda count: st.tuples(st.integers(0, count - 1), st.just(count))))
def test_more_hits_are_a_better_share_within_its_bounds(drawn: tuple[int, int]) -> None:
    hits, count = drawn
    fewer, more = share_figure(hits, count), share_figure(hits + 1, count)
    assert fewer.lower <= fewer.value <= fewer.upper
    assert fewer.lower < more.lower
    assert fewer.upper < more.upper or fewer.upper == 1


def test_a_share_of_many_thousands_is_bounded_as_a_normal_one_is() -> None:
    found = share_figure(19_800, 20_000)
    half_width = 1.645 * np.sqrt(0.99 * 0.01 / 20_000)
    assert (found.lower, found.upper) == pytest.approx((0.99 - half_width, 0.99 + half_width), abs=1e-4)


def test_what_goes_wrong_together_is_less_sure_than_what_goes_wrong_alone() -> None:
    counts = np.full(200, 50)
    together, scattered = np.full(200, 50), np.full(200, 50)
    together[:4] = 0
    scattered[:] -= 1
    one, other = clustered_share_figure(together, counts), clustered_share_figure(scattered, counts)
    assert one.value == other.value == pytest.approx(0.98)
    assert one.lower < other.lower
    assert one.samples == other.samples == 10_000


def test_nothing_missed_is_as_sure_as_so_many_single_ones() -> None:
    counts = np.full(32, 10)
    assert clustered_share_figure(counts, counts) == share_figure(320, 320)


def test_bounds_of_texts_hold_the_truth_where_those_of_their_tokens_alone_do_not() -> None:
    rng = np.random.default_rng(4)

    def drawn(texts: int) -> npt.NDArray[np.float64]:
        """Return values of texts of twelve tokens, some texts worse than others."""
        values: npt.NDArray[np.float64] = rng.exponential(size=(texts, 1)) * rng.exponential(size=(texts, 12))
        return values.ravel()

    truth, owners = float(np.quantile(drawn(100_000), 0.99)), np.repeat(np.arange(320), 12)
    held, too_sure = [], []
    for _ in range(120):
        values = drawn(320)
        held.append(clustered_percentile_figure(values, owners, 0.99, lowest=0, highest=np.inf).upper >= truth)
        too_sure.append(percentile_figure(values, 0.99, lowest=0, highest=np.inf).upper >= truth)
    # 120 draws tell 95% from less by 4 points (two deviations of the binomial).
    assert np.mean(held) >= 0.91
    assert np.mean(too_sure) < 0.9


def test_a_mean_is_bounded_as_for_normal_values_and_the_same_each_time() -> None:
    values = np.random.default_rng(3).normal(0.97, 0.05, 320)
    found = mean_figure(values)
    half_width = 1.645 * values.std() / np.sqrt(len(values))
    assert found.value == pytest.approx(values.mean())
    assert found.value - found.lower == pytest.approx(half_width, rel=0.15)
    assert found.upper - found.value == pytest.approx(half_width, rel=0.15)
    assert mean_figure(values) == found


def test_equal_values_have_no_width() -> None:
    found = mean_figure([0.9] * 320)
    assert (found.lower, found.upper) == pytest.approx((0.9, 0.9))


def test_a_median_of_eight_is_bounded_by_the_second_and_the_seventh() -> None:
    found = median_figure([8.0, 1.0, 7.0, 2.0, 6.0, 3.0, 5.0, 4.0])
    assert (found.lower, found.upper) == (2, 7)


def test_the_worst_value_is_its_own_bound() -> None:
    found = extreme_figure([0.5, 0.9], 0.5)
    assert (found.value, found.lower, found.upper, found.samples) == (0.5, 0.5, 0.5, 2)
