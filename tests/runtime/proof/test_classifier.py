"""A classifier that learnt something, through a real Triton: decisions and probabilities are those of the original."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from modelyard.contract import Candidate, Outcome, Task
from modelyard_runtime.original import Sample
from tests.runtime.proof.bench import BF16, FP32, INT8_WEIGHTS, Bench
from tests.runtime.proof.changed_graphs import changed, numbers, set_to, with_last_scale_off
from tests.runtime.proof.classifier import CHANCE, MARGIN, SOURCES, Trained

pytestmark = pytest.mark.timeout(600)
EVERY = pytest.mark.parametrize("candidate", [FP32, BF16, INT8_WEIGHTS], ids=lambda one: one.precision)


def test_the_classifier_learnt_something(trained: Trained, classifier: Bench) -> None:
    assert trained.accuracy >= CHANCE + MARGIN
    assert classifier.original.trained
    assert classifier.original.description.task is Task.CLASSIFICATION
    assert classifier.original.description.labels == tuple(SOURCES)
    decided = classifier.proving.answers.argmax(axis=1)
    assert min(np.bincount(decided, minlength=len(SOURCES))) >= 10, "it decides for each label now and then"


@EVERY
def test_every_candidate_is_proven(classifier: Bench, candidate: Candidate) -> None:
    parity = classifier.asked(classifier.built(candidate))
    assert classifier.outcome(parity) is Outcome.PASS
    assert set(parity.figures) == {"agreement", "maxShift", "batchInvariance"}


@EVERY
def test_answers_of_other_inputs_miss(classifier: Bench, candidate: Candidate) -> None:
    others = [*classifier.proving.texts[1:], classifier.proving.texts[0]]
    parity = classifier.asked(classifier.built(candidate), Sample(texts=others, answers=classifier.proving.answers))
    assert classifier.outcome(parity) is Outcome.MISS
    assert any(key.startswith("confused.") for key in parity.reported)


@EVERY
def test_a_head_with_its_labels_in_another_order_misses(
    classifier: Bench, tmp_path: Path, candidate: Candidate
) -> None:
    def reversed_head(weights: list[ir.Value]) -> None:
        set_to(weights[-1], numbers(weights[-1])[:, ::-1])

    graph = changed(classifier.graph, tmp_path / "model.onnx", reversed_head)
    assert classifier.outcome(classifier.asked(classifier.built(candidate, graph))) is Outcome.MISS


def test_the_scale_of_the_head_off_by_a_tenth_is_not_proven(classifier: Bench, tmp_path: Path) -> None:
    graph = changed(classifier.graph, tmp_path / "model.onnx", with_last_scale_off)
    parity = classifier.asked(classifier.built(FP32, graph))
    assert classifier.outcome(parity) is not Outcome.PASS
    assert parity.figures["maxShift"].value > 0.02
