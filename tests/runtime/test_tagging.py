"""What a tagger keeps: labels, probabilities, and the entities that labels make."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.contract.choices import Precision, Task
from modelyard.contract.report import Outcome, Parity
from modelyard.contract.request import ParityGate
from modelyard.gates import parity_verdicts
from modelyard_runtime.backend.rows import Answers
from modelyard_runtime.layout import Layout, layout_of
from modelyard_runtime.models.description import Description
from modelyard_runtime.models.families import FAMILIES
from modelyard_runtime.parity import parity_of
from modelyard_runtime.tagging import entities, f1_figure
from modelyard_runtime.tokens import Encoded

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
TEXTS, TOKENS = 320, 12
TAGGER = Description(
    family=FAMILIES["bert"],
    architecture="BertForTokenClassification",
    task=Task.TOKEN_CLASSIFICATION,
    positions=512,
    token_limit=256,
    vocabulary=600,
    pad_token=0,
    layers=2,
    size=len(LABELS),
    labels=LABELS,
)


def logits_of(chosen: npt.NDArray[np.intp], sure: float = 6.0) -> Answers:
    """Return logits that decide for these labels, [tokens, labels]."""
    noise = np.random.default_rng(1).normal(0, 0.1, (len(chosen), len(LABELS)))
    noise[np.arange(len(chosen)), chosen] += sure
    return noise.astype(np.float32)


@pytest.fixture(scope="module")
def chosen() -> npt.NDArray[np.intp]:
    """Each token's label: a name of two tokens in every text, and now and then a place."""
    labels = np.zeros((TEXTS, TOKENS), dtype=np.intp)
    labels[:, 3], labels[:, 4] = 1, 2
    labels[::3, 8] = 3
    return labels.ravel()


def texts() -> list[Encoded]:
    """Return texts whose first and last token the tokenizer added."""
    added = np.zeros(TOKENS, dtype=np.bool_)
    added[[0, -1]] = True
    return [replace(Encoded.of(np.arange(TOKENS)), added=added) for _ in range(TEXTS)]


def parity(want: Answers, got: Answers, layout: Layout | None = None) -> Parity:
    layout = layout or layout_of(texts(), per_token=True)
    fine = np.ones(8)
    return parity_of(TAGGER, "random", want=want, got=got, layout=layout, invariance=fine, extremes=fine, every=got)


def outcomes(found: Parity) -> dict[str, Outcome]:
    verdicts = parity_verdicts(ParityGate(), Task.TOKEN_CLASSIFICATION, found.figures, Precision.INT8_WEIGHTS)
    return {verdict.gate: verdict.outcome for verdict in verdicts}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("O O O", set()),
        ("B-PER I-PER O", {(0, 2, "PER")}),
        ("B-PER B-PER", {(0, 1, "PER"), (1, 2, "PER")}),
        ("O I-PER I-PER", {(1, 3, "PER")}),  # as some schemes begin an entity, and some models do
        ("B-PER I-LOC", {(0, 1, "PER"), (1, 2, "LOC")}),
        ("S-PER B-LOC E-LOC", {(0, 1, "PER"), (1, 3, "LOC")}),
        ("U-PER B-LOC I-LOC L-LOC", {(0, 1, "PER"), (1, 4, "LOC")}),
        ("NOUN NOUN VERB", {(0, 2, "NOUN"), (2, 3, "VERB")}),
        ("LABEL_0 LABEL_1", {(0, 1, "LABEL_0"), (1, 2, "LABEL_1")}),
        ("X-RAY X-RAY", {(0, 2, "X-RAY")}),  # no prefix that a scheme has
    ],
)
def test_entities_are_read_in_every_scheme(labels: str, expected: set[tuple[int, int, str]]) -> None:
    assert entities(labels.split()) == expected


@given(st.lists(st.sampled_from(LABELS), max_size=30))
def test_entities_never_overlap_and_cover_what_is_not_outside(labels: list[str]) -> None:
    covered = [place for start, end, _ in entities(labels) for place in range(start, end)]
    assert sorted(covered) == [place for place, label in enumerate(labels) if label != "O"]


def test_the_same_answers_pass(chosen: npt.NDArray[np.intp]) -> None:
    want = logits_of(chosen)
    found = parity(want, want)
    assert set(outcomes(found).values()) == {Outcome.PASS}
    assert found.figures["agreement"].samples == TEXTS * (TOKENS - 2)
    assert found.figures["entityF1"].samples == TEXTS + -(-TEXTS // 3)
    assert 0.99 < found.figures["entityF1"].lower < 1, "nothing missed is not yet certainty"


def test_a_missed_entity_in_ten_misses_though_nearly_every_token_agrees(chosen: npt.NDArray[np.intp]) -> None:
    wrong = chosen.reshape(TEXTS, TOKENS).copy()
    wrong[::10, 4] = 0  # a name that is cut short is another entity
    found = parity(logits_of(chosen), logits_of(wrong.ravel()))
    assert found.figures["agreement"].value > 0.98
    both, either = TEXTS + 107 - 32, TEXTS + 107 + 32
    assert found.figures["entityF1"].value == pytest.approx(2 * both / (both + either))
    assert outcomes(found)["entityF1"] is Outcome.MISS


def test_tokens_that_the_tokenizer_added_are_not_read(chosen: npt.NDArray[np.intp]) -> None:
    wrong = chosen.reshape(TEXTS, TOKENS).copy()
    wrong[:, [0, -1]] = 3
    assert set(outcomes(parity(logits_of(chosen), logits_of(wrong.ravel()))).values()) == {Outcome.PASS}


def test_no_answer_of_theirs_may_be_no_number_all_the_same(chosen: npt.NDArray[np.intp]) -> None:
    got = logits_of(chosen)
    got[0, 1] = np.nan
    assert outcomes(parity(logits_of(chosen), got))["nonFinite"] is Outcome.MISS


def test_what_the_original_is_not_sure_of_counts_as_kept_and_is_told(chosen: npt.NDArray[np.intp]) -> None:
    want = logits_of(chosen)
    want[3], got = [0, 0.001, -9, -9, -9], want.copy()
    got[3] = [0.001, 0, -9, -9, -9]
    found = parity(want, got)
    assert found.figures["agreement"].value == found.figures["entityF1"].value == 1
    assert found.reported["unclear"] == 1
    assert found.reported["agreementOfAll"] < 1
    assert found.reported["entityF1OfAll"] < 1


def test_logits_off_by_a_tenth_miss_though_every_entity_is_kept(chosen: npt.NDArray[np.intp]) -> None:
    want = logits_of(chosen)
    found = outcomes(parity(want, want * np.float32(1.1)))
    assert (found["entityF1"], found["logitError"]) == (Outcome.PASS, Outcome.MISS)


def test_a_model_that_finds_nothing_is_not_proven() -> None:
    want = logits_of(np.zeros(TEXTS * TOKENS, dtype=np.intp))
    found = outcomes(parity(want, want))
    assert found.pop("entityF1") is Outcome.INCONCLUSIVE
    assert set(found.values()) == {Outcome.PASS}


def test_errors_that_come_in_the_same_texts_are_less_sure_than_scattered_ones() -> None:
    want = [frozenset({(place, place + 1, "PER") for place in range(10)})] * 100
    none: frozenset[tuple[int, int, str]] = frozenset()
    together = f1_figure(want, [none] * 4 + want[4:])
    scattered = f1_figure(want, [frozenset(list(want[0])[1:])] * 40 + want[40:])
    assert together.value == pytest.approx(scattered.value)
    assert together.lower < scattered.lower
