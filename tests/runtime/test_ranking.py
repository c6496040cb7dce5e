"""What a reranker keeps: the order of each question's passages, and the scores that it comes from."""

from __future__ import annotations

import numpy as np
import pytest

from modelyard.contract.choices import Precision, Task
from modelyard.contract.report import Outcome, Parity
from modelyard.contract.request import ParityGate
from modelyard.gates import parity_verdicts
from modelyard_runtime.backend.rows import Answers
from modelyard_runtime.distances import likeness, spread_of
from modelyard_runtime.layout import Layout
from modelyard_runtime.models.description import Description
from modelyard_runtime.models.families import FAMILIES
from modelyard_runtime.parity import parity_of
from modelyard_runtime.text.pairs import PASSAGES

PAIRS = 320
RERANKER = Description(
    family=FAMILIES["bert"],
    architecture="BertForSequenceClassification",
    task=Task.RERANKING,
    positions=512,
    token_limit=256,
    vocabulary=600,
    pad_token=0,
    layers=2,
    size=1,
    labels=("LABEL_0",),
    token_types=True,
)
ROWS = Layout(text=np.arange(PAIRS), counts=np.ones(PAIRS, dtype=np.bool_))


def scores(seed: int, middle: float = -8.0, spread: float = 3.0) -> Answers:
    """Return scores far from 0, as rerankers that were trained on rare matches have them."""
    return np.random.default_rng(seed).normal(middle, spread, (PAIRS, 1)).astype(np.float32)


def parity(want: Answers, got: Answers) -> Parity:
    fine = np.ones(8)
    return parity_of(RERANKER, "random", want=want, got=got, layout=ROWS, invariance=fine, extremes=fine, every=got)


def outcomes(found: Parity, precision: Precision = Precision.INT8_WEIGHTS) -> dict[str, Outcome]:
    verdicts = parity_verdicts(ParityGate(), Task.RERANKING, found.figures, precision)
    return {verdict.gate: verdict.outcome for verdict in verdicts}


@pytest.mark.parametrize(
    ("noise", "expected"), [(0, Outcome.PASS), (0.03, Outcome.PASS), (0.9, Outcome.MISS), (9, Outcome.MISS)]
)
def test_orders_are_kept_while_noise_is_small(noise: float, expected: Outcome) -> None:
    found = outcomes(parity(scores(0), scores(0) + scores(1, 0, noise)))
    assert found["orderKept"] is expected
    assert found["logitError"] is expected


def test_scores_of_other_pairs_miss() -> None:
    found = parity(scores(0), np.roll(scores(0), 1, axis=0))
    assert outcomes(found)["orderKept"] is Outcome.MISS
    assert found.figures["orderKept"].value < 0.7
    assert found.reported["firstKept"] < 0.5


def test_only_passages_of_one_question_have_an_order() -> None:
    want = scores(0)
    shifted = want + np.repeat(np.arange(PAIRS // PASSAGES), PASSAGES)[:, None].astype(np.float32)
    found = parity(want, shifted)  # each question's scores alike
    assert found.figures["orderKept"].value == 1
    assert outcomes(found)["logitError"] is Outcome.MISS


def test_a_scale_off_by_a_tenth_misses_though_every_order_is_kept() -> None:
    want = scores(0)
    found = parity(want, want * np.float32(1.1))
    assert found.figures["orderKept"].value == 1
    assert outcomes(found)["logitError"] is Outcome.MISS


def test_passages_that_the_original_has_in_no_clear_order_may_change_places() -> None:
    want = scores(0)
    want[1], got = want[0] + 0.001, want.copy()
    got[[0, 1]] = want[[1, 0]]
    found = parity(want, got)
    assert found.figures["orderKept"].value == 1
    assert found.reported["unclear"] >= 1
    assert found.reported["orderKeptOfAll"] < 1
    assert set(outcomes(found, Precision.FP32).values()) == {Outcome.PASS}


def test_nothing_changed_is_as_sure_as_so_many_passages_are() -> None:
    found = parity(scores(0), scores(0)).figures["orderKept"]
    assert (found.value, found.samples) == (1, PAIRS)
    assert found.lower == pytest.approx(0.99068, abs=1e-5)  # of 320, Clopper and Pearson


def test_one_score_for_all_is_no_order_and_proves_nothing() -> None:
    same = np.full((PAIRS, 1), -3, np.float32)
    found = outcomes(parity(same, same))
    assert found.pop("orderKept") is Outcome.INCONCLUSIVE
    assert set(found.values()) == {Outcome.PASS}


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_one_score_that_is_no_number_is_never_proven(broken: float) -> None:
    got = scores(0)
    got[5] = broken
    found = outcomes(parity(scores(0), got))
    assert found["nonFinite"] is Outcome.MISS
    assert found["logitError"] is not Outcome.PASS


def test_a_shift_counts_by_how_far_scores_spread_and_not_by_how_large_they_are() -> None:
    for spread in (0.01, 3.0):
        want = scores(0, spread=spread)
        found = likeness(RERANKER, want, want + np.float32(0.1 * spread), spread=spread_of(want))
        assert found.min() == pytest.approx(1 - 0.1 / 4, abs=5e-3)
