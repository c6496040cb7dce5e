"""Scales: what a plot says is where a number stands, so the order of numbers is the order of places."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from modelyard.report.plots.axes import floored, power, tick
from modelyard.report.plots.scales import LARGEST, Linear, Log, Scale, linear_from_zero, log_over

FLOOR = 1e-9
START, END = 60.0, 700.0
numbers = st.lists(st.floats(), max_size=6)
values = st.floats(0, 1e15)


def scales(found: list[float]) -> list[Scale]:
    """Return a scale of each kind over these numbers, in both directions."""
    return [
        linear_from_zero(found, START, END),
        linear_from_zero(found, END, START),
        log_over(found, FLOOR, START, END),
        log_over(found, FLOOR, END, START, whole=False),
    ]


@given(numbers, values, values)
def test_a_greater_number_never_stands_before_a_smaller_one(found: list[float], a: float, b: float) -> None:
    for scale in scales(found):
        ahead = 1 if scale.end > scale.start else -1
        assert ahead * scale(min(a, b)) <= ahead * scale(max(a, b)) + 1e-9


@given(numbers, st.floats(allow_nan=False))
def test_every_number_has_a_place_within_the_ends(found: list[float], value: float) -> None:
    for scale in scales(found):
        assert START <= scale(value) <= END


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=6))
def test_numbers_that_differ_stand_apart(found: list[float]) -> None:
    assume(max(found) > min(found) * 1.01)
    for scale in (linear_from_zero(found, START, END), log_over(found, FLOOR, START, END)):
        assert scale(max(found)) - scale(min(found)) > 0.1


@given(numbers)
def test_ticks_are_few_rise_and_stand_within_the_ends(found: list[float]) -> None:
    for scale in scales(found):
        ticks = scale.ticks()
        assert 1 <= len(ticks) <= 9
        assert list(ticks) == sorted(set(ticks))
        assert all(START <= scale(value) <= END for value in ticks)
        assert len({tick(value) for value in ticks}) == len(ticks), "two ticks of the same words"


@pytest.mark.parametrize(
    ("high", "expected"),
    [(4.4, (0, 1, 2, 3, 4)), (1.5, (0, 0.5, 1, 1.5)), (0.35, (0, 0.1, 0.2, 0.3)), (70, (0, 20, 40, 60))],
)
def test_ticks_of_a_linear_scale_are_round(high: float, expected: tuple[float, ...]) -> None:
    assert Linear(low=0, high=high, start=0, end=1).ticks() == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1e-5, 1e-2, ("10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²")),
        (1e-14, 1e-2, ("10⁻¹⁴", "10⁻¹²", "10⁻¹⁰", "10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²")),
        (3, 70, ("5", "10¹", "20", "50")),
        (2.5, 3.6, ("2.6", "2.8", "3", "3.2", "3.4", "3.6")),
        (0.1, 1, ("10⁻¹", "0.2", "0.5", "10⁰")),
    ],
)
def test_ticks_of_a_logarithmic_scale_are_powers_of_ten_or_their_doubles_and_fives(
    low: float, high: float, expected: tuple[str, ...]
) -> None:
    assert tuple(map(power, Log(low=low, high=high, start=0, end=1).ticks())) == expected


def test_nothing_and_what_is_below_the_floor_stand_at_the_low_end() -> None:
    scale = log_over([0, 1e-30, 1e-3], FLOOR, START, END)
    assert (scale(0), scale(-1), scale(1e-30), scale(FLOOR)) == (START, START, START, START)
    assert scale(1e-3) == END


def test_the_low_end_says_that_less_stands_there_too() -> None:
    words = floored(FLOOR)
    assert [words(value) for value in (FLOOR, 1e-8)] == ["≤ 10⁻⁹", "10⁻⁸"]


def test_what_is_no_number_or_beyond_all_bounds_spoils_no_scale() -> None:
    for scale in scales([math.nan, math.inf, -math.inf, 2.0, 1e300]):
        assert math.isfinite(scale(2.0))
        assert scale(math.inf) == scale(2 * LARGEST)
