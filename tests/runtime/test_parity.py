"""Parity out of answers: what agrees, what doesn't, and that nothing hides an answer that is no number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.contract.choices import Precision, Task
from modelyard.contract.report import Outcome, Parity
from modelyard.contract.request import ParityGate
from modelyard.gates import outcome_of, parity_verdicts
from modelyard_runtime.backend.rows import Answers
from modelyard_runtime.distances import cosines, likeness, logit_errors, shifts
from modelyard_runtime.layout import Layout
from modelyard_runtime.models.description import Description, Pooling
from modelyard_runtime.models.families import FAMILIES
from modelyard_runtime.parity import caveat_of, neighbours_kept, parity_of

TEXTS, SIZE = 320, 48
EMBEDDER = Description(
    family=FAMILIES["bert"],
    architecture="BertModel",
    task=Task.EMBEDDING,
    positions=512,
    token_limit=256,
    vocabulary=600,
    pad_token=0,
    layers=2,
    size=SIZE,
    pooling=Pooling.MEAN,
)
CLASSIFIER = replace(EMBEDDER, task=Task.CLASSIFICATION, size=3, pooling=None, labels=("a", "b", "c"))
SEVERAL = replace(CLASSIFIER, multi_label=True)
ROWS = Layout(text=np.arange(TEXTS), counts=np.ones(TEXTS, dtype=np.bool_))


def answers(seed: int, size: int = SIZE, spread: float = 1.0) -> Answers:
    return np.random.default_rng(seed).normal(0, spread, (TEXTS, size)).astype(np.float32)


def parity(description: Description, want: Answers, got: Answers) -> Parity:
    fine = np.ones(8)
    return parity_of(description, "random", want=want, got=got, layout=ROWS, invariance=fine, extremes=fine, every=got)


def outcome(description: Description, want: Answers, got: Answers) -> Outcome:
    return outcome_of(parity_verdicts(ParityGate(), description.task, parity(description, want, got).figures))


@pytest.mark.parametrize("spread", [1e-6, 1e-3, 0.1])
def test_the_distribution_is_of_the_answers_that_the_figures_are_of(spread: float) -> None:
    want = answers(1)
    found = parity(EMBEDDER, want, want + answers(2, spread=spread))
    assert found.distribution is not None
    known = {one.share: one.distance for one in found.distribution.quantiles}
    assert found.distribution.samples == found.figures["p1Cosine"].samples
    assert known[0.99] == pytest.approx(1 - found.figures["p1Cosine"].value, rel=1e-5)
    assert known[1] == pytest.approx(1 - found.figures["minCosine"].value, rel=1e-5)


@pytest.mark.parametrize(
    ("noise", "expected"),
    [(0.0, Outcome.PASS), (0.01, Outcome.PASS), (0.033, Outcome.INCONCLUSIVE), (0.2, Outcome.MISS)],
)
def test_embeddings_pass_while_noise_is_small(noise: float, expected: Outcome) -> None:
    want = answers(0)
    assert outcome(EMBEDDER, want, want + answers(1, spread=noise)) is expected


def test_a_rotation_of_the_space_keeps_every_neighbour_and_misses_all_the_same() -> None:
    want = answers(0)
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(SIZE, SIZE)))[0].astype(np.float32)
    found = parity(EMBEDDER, want, want @ rotation)
    assert found.figures["neighboursKept"].value == pytest.approx(1, abs=1e-3)
    assert outcome(EMBEDDER, want, want @ rotation) is Outcome.MISS


def test_answers_of_other_texts_miss_although_each_is_a_good_embedding() -> None:
    want = answers(0)
    assert outcome(EMBEDDER, want, np.roll(want, 1, axis=0)) is Outcome.MISS


def test_one_text_in_320_that_is_answered_wrong_is_not_proven() -> None:
    want = answers(0)
    got = want.copy()
    got[17] = -got[17]
    found = parity(EMBEDDER, want, got)
    assert found.figures["minCosine"].value == pytest.approx(-1)
    assert found.figures["p1Cosine"].lower == pytest.approx(-1)
    assert outcome(EMBEDDER, want, got) is Outcome.MISS


def test_the_length_of_an_embedding_is_reported() -> None:
    want = answers(0)
    found = parity(EMBEDDER, want, want * np.float32(1.1))
    assert found.figures["minCosine"].value == pytest.approx(1)
    assert found.reported["greatestNormError"] == pytest.approx(0.1, abs=1e-5)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("description", [EMBEDDER, CLASSIFIER, SEVERAL])
def test_one_answer_that_is_no_number_is_never_proven(description: Description, broken: float) -> None:
    want = answers(0, description.size, spread=4.0)
    got = want.copy()
    got[5, 1] = broken
    assert outcome(description, want, got) is not Outcome.PASS


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("description", [EMBEDDER, CLASSIFIER, SEVERAL])
def test_an_extreme_or_a_neighbour_that_is_no_number_misses_though_the_texts_themselves_are_perfect(
    description: Description, broken: float
) -> None:
    want = clear_logits() if description.labels else answers(0)
    others = np.ones((40, description.size), np.float32)
    others[[3, 7], 1] = broken
    every = np.concatenate([want, others])
    fine = np.ones(8)
    found = parity_of(
        description, "random", want=want, got=want, layout=ROWS, invariance=fine, extremes=fine, every=every
    )
    missed = [v for v in parity_verdicts(ParityGate(), description.task, found.figures) if v.outcome is Outcome.MISS]
    assert [v.message for v in missed] == ["nonFinite 2 > 0"]
    assert found.figures["nonFinite"].samples == TEXTS + 40


@pytest.mark.parametrize(
    ("precision", "trained", "off", "expected"),
    [
        (Precision.FP32, False, 1e-6, Outcome.PASS),
        (Precision.FP32, False, 3e-4, Outcome.MISS),
        (Precision.FP32, True, 3e-4, Outcome.PASS),  # what it is for is held closer by its own gates
        (Precision.BF16, False, 3e-4, Outcome.PASS),  # proves nothing, and says so
    ],
)
@pytest.mark.parametrize("description", [EMBEDDER, CLASSIFIER, SEVERAL])
def test_untrained_weights_are_held_to_their_export(
    description: Description,
    precision: Precision,
    trained: bool,  # noqa: FBT001 - a column of the table
    off: float,
    expected: Outcome,
) -> None:
    want = clear_logits() if description.labels else answers(0)
    got = want.copy()
    got[5] *= np.float32(1 + off)
    figures = parity(description, want, got).figures
    verdicts = parity_verdicts(ParityGate(), description.task, figures, precision, trained=trained)
    assert outcome_of(verdicts) is expected
    assert [v.gate for v in verdicts if v.outcome is Outcome.MISS] == ["greatestError"] * (expected is Outcome.MISS)


def test_a_proof_says_what_it_does_not_prove() -> None:
    assert caveat_of(Precision.FP32, trained=True) == ""
    assert "no quality" in caveat_of(Precision.FP32, trained=False)
    assert "prove nothing of INT8Weights" in caveat_of(Precision.INT8_WEIGHTS, trained=False)


@given(st.integers(0, 2**16), st.floats(0.1, 100))
def test_cosines_are_those_of_the_definition_whatever_the_lengths(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 5, 7)).astype(np.float32)
    want = [float(x @ y / (np.linalg.norm(x) * np.linalg.norm(y))) for x, y in zip(a, b, strict=True)]
    assert cosines(a, b * np.float32(scale)) == pytest.approx(want, abs=1e-5)


def test_an_empty_vector_is_like_nothing() -> None:
    assert cosines(np.zeros((1, 3), np.float32), np.ones((1, 3), np.float32)).tolist() == [-1]


def test_neighbours_are_counted_among_the_ten_nearest_others() -> None:
    angles = np.radians(np.arange(0, 88, 4))  # on an arc, so that neighbours are those next to one
    arc = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert neighbours_kept(arc, arc).tolist() == [1.0] * len(arc)
    swapped = arc.copy()
    swapped[[0, -1]] = swapped[[-1, 0]]
    kept = neighbours_kept(arc, swapped)
    assert kept[0] == kept[-1] == 0  # its ten nearest are those of the other end
    assert kept[1] == pytest.approx(0.9)  # it lost the one that went away


def test_which_of_equally_near_ones_are_the_ten_nearest_is_held_against_nobody() -> None:
    rng = np.random.default_rng(0)
    groups = rng.normal(size=(4, 32)).astype(np.float32)  # twenty texts each that the original answers alike
    alike = np.repeat(groups, 20, axis=0)

    def rounded_otherwise() -> Answers:
        return alike * (1 + rng.normal(0, 1e-7, alike.shape)).astype(np.float32)

    assert neighbours_kept(rounded_otherwise(), rounded_otherwise()).min() == 1
    apart = alike + rng.normal(0, 1e-2, alike.shape).astype(np.float32)
    assert neighbours_kept(apart, apart + rng.normal(0, 1e-2, alike.shape).astype(np.float32)).mean() < 0.8


@pytest.mark.parametrize(
    ("flipped", "expected"),
    [(0, Outcome.PASS), (1, Outcome.INCONCLUSIVE), (2, Outcome.INCONCLUSIVE), (12, Outcome.MISS)],
)
def test_a_classifier_passes_while_its_clear_decisions_stand(flipped: int, expected: Outcome) -> None:
    want = clear_logits()
    got = want.copy()
    got[:flipped] = got[:flipped, ::-1]
    found = parity(CLASSIFIER, want, got)
    agreement = [v for v in parity_verdicts(ParityGate(), Task.CLASSIFICATION, found.figures) if v.gate == "agreement"]
    assert agreement[0].outcome is expected
    assert found.figures["agreement"].value == pytest.approx(1 - flipped / TEXTS)


@pytest.mark.parametrize("description", [CLASSIFIER, SEVERAL])
@pytest.mark.parametrize("certainty", [1, 30])
def test_logits_off_by_a_tenth_miss_however_certain_the_probabilities_are(
    description: Description, certainty: int
) -> None:
    want = clear_logits() * np.float32(certainty)
    got = want * np.float32(1.1)
    found = parity(description, want, got)
    assert outcome(description, want, got) is Outcome.MISS
    assert found.figures["logitError"].value > 0.09


@given(st.integers(0, 2**16), st.floats(-50, 50))
def test_a_shift_of_every_label_alike_is_no_error(seed: int, by: float) -> None:
    want = np.random.default_rng(seed).normal(size=(5, 3)).astype(np.float32)
    assert logit_errors(want, want + np.float32(by), multi_label=False) == pytest.approx([0] * 5, abs=1e-4)
    assert shifts(want, want + np.float32(by), multi_label=False) == pytest.approx([0] * 5, abs=1e-4)


def clear_logits() -> Answers:
    """Return logits that decide for the first label or the last."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 0.1, (TEXTS, 3))
    logits[np.arange(TEXTS), rng.integers(0, 2, TEXTS) * 2] += 4
    return logits.astype(np.float32)


def test_what_the_original_itself_is_not_sure_of_counts_as_kept() -> None:
    want = clear_logits()
    want[:4] = [[0.001, 0, -9]]  # a margin of 0.0005
    got = want.copy()
    got[:4] = [[0, 0.001, -9]]
    found = parity(CLASSIFIER, want, got)
    assert found.figures["agreement"].value == 1
    assert found.figures["agreement"].samples == TEXTS
    assert found.reported["unclear"] == 4
    assert found.reported["agreementOfAll"] == pytest.approx(1 - 4 / TEXTS)
    assert found.reported["confused.0.1"] == 4


def test_a_shift_of_probability_is_held_though_no_decision_changes() -> None:
    want = clear_logits()
    got = want / np.float32(2)  # surer becomes less sure
    found = parity(CLASSIFIER, want, got)
    assert found.figures["agreement"].value == 1
    assert found.figures["maxShift"].lower > 0.1
    assert outcome(CLASSIFIER, want, got) is Outcome.MISS


def test_labels_that_hold_at_once_are_each_decided_at_one_half() -> None:
    want = np.full((TEXTS, 3), 3, np.float32)
    got = want.copy()
    got[0, 2] = -3
    found = parity(SEVERAL, want, got)
    assert found.figures["agreement"].value == pytest.approx(1 - 1 / TEXTS)
    assert shifts(want, got, multi_label=True).max() == pytest.approx(np.tanh(1.5), abs=1e-6)


def test_likeness_is_one_for_equal_answers_of_each_task() -> None:
    for description in (EMBEDDER, CLASSIFIER, SEVERAL):
        same = answers(3, description.size)
        assert likeness(description, same, same) == pytest.approx(1)


def test_answers_that_depend_on_their_company_miss() -> None:
    want = answers(0)
    invariance = np.array([1.0, 0.979, 1.0])  # what plain dynamic int8 does to a text among others
    found = parity_of(
        EMBEDDER, "random", want=want, got=want, layout=ROWS, invariance=invariance, extremes=np.ones(2), every=want
    )
    verdicts = parity_verdicts(ParityGate(), Task.EMBEDDING, found.figures)
    assert [v.gate for v in verdicts if v.outcome is Outcome.MISS] == ["batchInvariance"]
