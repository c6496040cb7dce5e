"""Numbers in words: rounded for the eye, and never to one that they are not."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.contract.report import Figure
from modelyard.report import words


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.99961234, "0.99961"),
        (0.99999994, "0.99999994"),
        (0.998, "0.998"),
        (0.9999, "0.9999"),
        (1.0, "1"),
        (0.9999999999987, "1"),
        (0.0, "0"),
        (0.95123, "0.9512"),
        (0.0000123456, "1.235e-05"),
        (12345.678, "1.235e+04"),
        (-0.5, "-0.5"),
        (math.nan, "not a number"),
        (math.inf, "infinite"),
    ],
)
def test_a_figure(value: float, told: str) -> None:
    assert words.number(value) == told


@given(st.floats(0, 1, exclude_max=True))
def test_what_is_less_than_one_is_not_told_as_one(value: float) -> None:
    if 1 - value > 2e-9:
        assert float(words.number(value)) < 1


@given(st.floats(0.5, 1), st.floats(0.5, 1))
def test_figures_keep_their_order_in_words(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert float(words.number(low)) <= float(words.number(high))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.4242, "0.424 s"),
        (12.34, "12.3 s"),
        (99.9, "99.9 s"),
        (125, "2 min 05 s"),
        (3840, "1 h 04 min"),
        (math.nan, "not a number"),
    ],
)
def test_a_duration(value: float, told: str) -> None:
    assert words.seconds(value) == told


@pytest.mark.parametrize(("value", "told"), [(4.2049, "4.2 ms"), (0.0123, "0.0123 ms"), (1234.5, "1,234 ms")])
def test_a_latency(value: float, told: str) -> None:
    assert words.milliseconds(value) == told


def test_sizes_are_counted_as_registries_and_memory_are() -> None:
    assert words.megabytes(90_300_000) == "90.3 MB"
    assert words.megabytes(1_500_000_000) == "1.50 GB"
    assert words.gibibytes(8 << 30) == "8.00 GiB"


def test_bounds_are_told_unless_the_value_is_its_own() -> None:
    assert words.bounds(Figure(value=0.9996, lower=0.9995, upper=0.9997, samples=320)) == "0.9995 to 0.9997"
    assert words.bounds(Figure(value=0.98, lower=0.98, upper=0.98, samples=320)) == "—"


def test_a_moment_is_told_in_utc_wherever_it_was_written() -> None:
    assert words.moment(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))) == "2025-12-31 23:00:00 UTC"


def test_a_moment_at_the_end_of_time_is_told_as_it_is() -> None:
    assert words.moment(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2)))) == "0001-01-01T00:00:00+02:00"
    assert words.moment(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01 00:00:00 UTC"
