"""A classifier that learnt something, through a real Triton: decisions and probabilities are those of the original."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelyard.contract.choices import Candidate, Task
from modelyard.contract.report import Outcome
from modelyard_runtime.backend.rows import IDS, MASK, TYPES
from modelyard_runtime.candidates import Trial
from modelyard_runtime.repository import name_of
from tests.candidates import FP32, HERE
from tests.models.classifier import CHANCE, MARGIN, SOURCES, Trained
from tests.runtime.proof.bench import Bench, of_other_inputs
from tests.runtime.proof.changed_graphs import changed, head_in_reverse, head_off_by_a_tenth, layers_swapped
from tests.runtime.proof.documented import run_documented

pytestmark = pytest.mark.timeout(1500)  # the first of them builds every candidate, and yields to all other work
EVERY = pytest.mark.parametrize("candidate", HERE, ids=name_of)


@pytest.fixture(scope="module")
def plain(classifier: Bench) -> Trial:
    """The classifier at FP32 as it is, for tests that come after those that change one."""
    return classifier.built(FP32)


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


def test_the_documented_call_tells_the_class_of_each_text(classifier: Bench, plain: Trial, trained: Trained) -> None:
    called = run_documented("A class a text", classifier, plain, trained.folder)
    assert called["reads"] == ["input_ids", "attention_mask", "token_type_ids"]
    assert called["logits"].shape == (2, len(SOURCES))
    assert list(called["labels"].values()) == list(SOURCES)


def test_a_text_without_token_types_is_the_first_of_a_pair(classifier: Bench, plain: Trial) -> None:
    assert plain.decision is not None
    text = classifier.proving.texts[1]
    assert not text.types.any()
    server = classifier.sidecar.server
    with classifier.sidecar.serving(FP32, plain.decision, threads=2):
        given = {name: tensor[None] for name, tensor in text.tensors(plain.decision.inputs).items()}
        of_two = given | {TYPES: np.ones_like(given[TYPES])}
        answers = [
            server.infer(name_of(FP32), asked, "logits")
            for asked in ({name: given[name] for name in (IDS, MASK)}, given, of_two)
        ]
    assert answers[0] == pytest.approx(answers[1], abs=1e-6)
    assert np.abs(answers[2] - answers[1]).max() > 1e-3, "the model does read them"
