"""A classifier that learnt something, through a real Triton: decisions and probabilities are those of the original."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelyard.contract.choices import Candidate, Task
from modelyard.contract.report import Outcome
from tests.candidates import HERE
from tests.models.classifier import CHANCE, MARGIN, SOURCES, Trained
from tests.runtime.proof.bench import Bench, of_other_inputs
from tests.runtime.proof.changed_graphs import changed, head_in_reverse, head_off_by_a_tenth, layers_swapped

pytestmark = pytest.mark.timeout(600)
EVERY = pytest.mark.parametrize("candidate", HERE, ids=lambda one: one.precision)


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
    assert classifier.outcome(parity, candidate) is Outcome.PASS
    assert set(parity.figures) == {
        *("agreement", "maxShift", "logitError", "batchInvariance", "nonFinite", "greatestError")
    }
    assert not parity.caveat


@EVERY
def test_answers_of_other_inputs_miss(classifier: Bench, candidate: Candidate) -> None:
    parity = classifier.asked(classifier.built(candidate), of_other_inputs(classifier.proving))
    assert classifier.outcome(parity, candidate) is Outcome.MISS
    assert any(key.startswith("confused.") for key in parity.reported)


@EVERY
def test_a_head_with_its_labels_in_another_order_misses(
    classifier: Bench, tmp_path: Path, candidate: Candidate
) -> None:
    graph = changed(classifier.graph, tmp_path / "model.onnx", head_in_reverse)
    assert classifier.outcome(classifier.asked(classifier.built(candidate, graph)), candidate) is Outcome.MISS


@EVERY
def test_layers_that_are_swapped_miss(classifier: Bench, tmp_path: Path, candidate: Candidate) -> None:
    graph = changed(classifier.graph, tmp_path / "model.onnx", layers_swapped)
    assert classifier.outcome(classifier.asked(classifier.built(candidate, graph)), candidate) is Outcome.MISS


@EVERY
def test_the_scale_of_the_head_off_by_a_tenth_misses(classifier: Bench, tmp_path: Path, candidate: Candidate) -> None:
    graph = changed(classifier.graph, tmp_path / "model.onnx", head_off_by_a_tenth)
    parity = classifier.asked(classifier.built(candidate, graph))
    assert classifier.outcome(parity, candidate) is Outcome.MISS
    assert parity.figures["logitError"].lower > 0.05
