"""A tagger that learnt something, through a real Triton: each token's label is that of the original."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from modelyard.contract.choices import Candidate, Task
from modelyard.contract.report import Outcome
from modelyard_runtime.candidates import Trial
from modelyard_runtime.repository import name_of
from tests.candidates import FP32, HERE
from tests.models.tagger import LABELS, MARGIN, TrainedTagger
from tests.runtime.proof.bench import Bench, first_texts
from tests.runtime.proof.changed_graphs import (
    changed,
    last_product_off_by_a_tenth,
    layers_swapped,
    tokens_answered_as_their_neighbours,
)
from tests.runtime.proof.documented import run_documented

pytestmark = pytest.mark.timeout(1500)  # the first of them builds every candidate, and yields to all other work
EVERY = pytest.mark.parametrize("candidate", HERE, ids=name_of)


@pytest.fixture(scope="module")
def trials(tagger: Bench) -> dict[Candidate, Trial]:
    """Every candidate that this CPU can run, as it is; tests that change one come after those that ask it."""
    return {candidate: tagger.built(candidate) for candidate in HERE}


def test_the_tagger_learnt_something(tagger: Bench, trained_tagger: TrainedTagger) -> None:
    assert trained_tagger.f1 >= trained_tagger.chance + MARGIN
    assert tagger.original.trained
    assert tagger.original.description.task is Task.TOKEN_CLASSIFICATION
    assert tagger.original.description.labels == LABELS
    decided = tagger.proving.answers.argmax(axis=1)
    assert min(np.bincount(decided, minlength=len(LABELS))) >= 10, "it decides for each label now and then"


@EVERY
def test_every_candidate_is_proven(tagger: Bench, trials: dict[Candidate, Trial], candidate: Candidate) -> None:
    parity = tagger.asked(trials[candidate])
    assert tagger.outcome(parity, candidate) is Outcome.PASS
    assert set(parity.figures) == {
        *("agreement", "maxShift", "logitError", "entityF1", "batchInvariance", "nonFinite", "greatestError")
    }
    assert parity.figures["entityF1"].samples >= 150
    assert parity.figures["agreement"].samples == sum(int((~text.added).sum()) for text in tagger.proving.texts)
    assert not parity.caveat


def test_the_documented_call_gives_each_token_its_label(
    tagger: Bench, trials: dict[Candidate, Trial], trained_tagger: TrainedTagger
) -> None:
    called = run_documented("A label a token", tagger, trials[FP32], trained_tagger.folder)
    assert called["reads"] == ["input_ids", "attention_mask"]
    words = [word for word, _ in called["found"]]
    assert "".join(words) == "".join("".join(called["texts"]).split()), "every piece of both texts, and nothing else"
    assert {label for _, label in called["found"]} <= set(LABELS)
    assert called["logits"].shape == (2, len(called["tokens"]["input_ids"][0]), len(LABELS))


def test_padding_of_a_request_is_answered_with_0_and_changes_nothing(
    tagger: Bench, trials: dict[Candidate, Trial]
) -> None:
    decision = trials[FP32].decision
    assert decision is not None
    texts = sorted(tagger.proving.texts, key=len)[::40]
    width = max(map(len, texts)) + 3
    ids = np.full((len(texts), width), 7, dtype=np.int64)  # whatever stands in the padding
    mask = np.zeros_like(ids)
    for row, text in enumerate(texts):
        ids[row, : len(text)], mask[row, : len(text)] = text.ids, 1
    sidecar = tagger.sidecar
    with sidecar.serving(FP32, decision, threads=2) as served:
        alone = served.alone(texts)
        answer = sidecar.server.infer(name_of(FP32), {"input_ids": ids, "attention_mask": mask}, "logits")
    assert answer.shape == (*ids.shape, len(LABELS))
    assert (answer[mask == 0] == 0).all()
    for row, text in enumerate(texts):
        assert answer[row, : len(text)] == pytest.approx(alone[row], abs=1e-4)


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        (layers_swapped, "entityF1"),
        (last_product_off_by_a_tenth, "logitError"),
        (tokens_answered_as_their_neighbours, "entityF1"),
    ],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_a_wrong_graph_misses(tagger: Bench, tmp_path: Path, change: Callable[[ir.Model], None], missed: str) -> None:
    wrong = tagger.built(FP32, changed(tagger.graph, tmp_path / "model.onnx", change))
    verdicts = tagger.verdicts(tagger.asked(wrong, first_texts(tagger.proving, per_token=True)), FP32)
    assert missed in [verdict.gate for verdict in verdicts if verdict.outcome is Outcome.MISS]
