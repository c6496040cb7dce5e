"""The distribution that a report keeps: what some of the texts were, in order, and nothing between them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.contract.choices import Task
from modelyard.gates import DEFAULTS
from modelyard_runtime.distribution import DIGITS, SHARES, distribution_of

distances = st.lists(st.floats(0, 2), min_size=1, max_size=400).map(np.array)


@given(distances)
def test_it_rises_from_the_nearest_text_to_the_farthest(found: np.ndarray) -> None:
    told = distribution_of(Task.EMBEDDING, found)
    assert told is not None
    values = [one.distance for one in told.quantiles]
    assert values == sorted(values)
    assert (told.samples, [one.share for one in told.quantiles]) == (len(found), list(SHARES))
    assert values[0] == pytest.approx(found.min(), rel=1e-5)
    assert values[-1] == pytest.approx(found.max(), rel=1e-5)


@given(distances)
def test_every_point_is_a_text_that_was_asked(found: np.ndarray) -> None:
    told = distribution_of(Task.CLASSIFICATION, found)
    assert told is not None
    asked = {float(f"{value:.{DIGITS}g}") for value in found}
    assert {one.distance for one in told.quantiles} <= asked


def test_it_says_what_the_distance_is() -> None:
    found = np.linspace(0, 1, 320)
    measures = [told.measure for task in DEFAULTS if (told := distribution_of(task, found))]
    assert measures == [
        "cosine distance (1 less the cosine)",
        "greatest shift of a probability",
        "greatest shift of a token's probability",
        "shift of a score, in standard deviations of the scores",
    ]


def test_a_task_without_a_distance_has_none_and_neither_have_no_texts() -> None:
    assert distribution_of(Task.GENERATION, np.ones(3)) is None
    assert distribution_of(Task.EMBEDDING, np.ones(0)) is None
