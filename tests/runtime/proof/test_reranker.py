"""A reranker that learnt something, through a real Triton: passages stand in the order that the original gives them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
import torch
from transformers import BertForSequenceClassification

from modelyard.contract.choices import Candidate, Task
from modelyard.contract.report import Outcome
from modelyard_runtime.candidates import Trial
from modelyard_runtime.golden import Golden, replay
from modelyard_runtime.repository import name_of
from modelyard_runtime.text.pairs import PASSAGES
from modelyard_runtime.triton import ServerRefused
from tests.candidates import FP32, HERE
from tests.models.reranker import CHANCE, MARGIN, TrainedReranker
from tests.runtime.proof.bench import Bench, first_texts, of_other_inputs
from tests.runtime.proof.changed_graphs import (
    changed,
    head_negated,
    layers_swapped,
    texts_of_a_pair_alike,
)
from tests.runtime.proof.documented import run_documented

pytestmark = pytest.mark.timeout(1500)  # the first of them builds every candidate, and yields to all other work
EVERY = pytest.mark.parametrize("candidate", HERE, ids=name_of)


@pytest.fixture(scope="module")
def trials(reranker: Bench) -> dict[Candidate, Trial]:
    """Every candidate that this CPU can run, as it is; tests that change one come after those that ask it."""
    return {candidate: reranker.built(candidate) for candidate in HERE}


def test_the_reranker_learnt_something(reranker: Bench, trained_reranker: TrainedReranker) -> None:
    assert trained_reranker.first >= CHANCE + MARGIN
    assert reranker.original.trained
    description = reranker.original.description
    assert (description.task, description.size, description.token_types) == (Task.RERANKING, 1, True)
    orders = reranker.proving.answers.reshape(-1, PASSAGES).argsort(axis=1)
    assert len(np.unique(orders, axis=0)) > len(orders) / 2, "it has an order of its own for most questions"


@EVERY
def test_every_candidate_is_proven(reranker: Bench, trials: dict[Candidate, Trial], candidate: Candidate) -> None:
    parity = reranker.asked(trials[candidate])
    assert reranker.outcome(parity, candidate) is Outcome.PASS
    assert set(parity.figures) == {"orderKept", "logitError", "batchInvariance", "nonFinite", "greatestError"}
    assert not parity.caveat
    assert "questions" in parity.dataset


def test_scores_of_other_pairs_miss(reranker: Bench, trials: dict[Candidate, Trial]) -> None:
    parity = reranker.asked(trials[FP32], of_other_inputs(reranker.proving))
    missed = [v.gate for v in reranker.verdicts(parity, FP32) if v.outcome is Outcome.MISS]
    assert {"orderKept", "logitError"} <= set(missed)


def test_the_documented_call_scores_pairs_as_pytorch_does(
    reranker: Bench, trials: dict[Candidate, Trial], trained_reranker: TrainedReranker
) -> None:
    called = run_documented("A score a pair", reranker, trials[FP32], trained_reranker.folder)
    assert called["reads"] == ["input_ids", "attention_mask", "token_type_ids"]
    model = BertForSequenceClassification.from_pretrained(trained_reranker.folder).eval()
    tokens = {name: torch.from_numpy(called["tokens"][name]) for name in called["reads"]}
    with torch.inference_mode():
        wanted = model(**tokens).logits[:, 0].numpy()
    assert called["scores"] == pytest.approx(wanted, abs=1e-4)


def test_golden_samples_are_pairs_and_a_request_that_is_none_is_told(
    reranker: Bench, trials: dict[Candidate, Trial], tmp_path: Path
) -> None:
    trial = trials[FP32]
    assert trial.decision is not None
    reranker.workshop.golden(trial).write(tmp_path)
    golden = Golden.read(tmp_path)
    assert all(set(sample.token_type_ids) == {0, 1} for sample in golden.samples)
    assert golden.spread > 0.01
    sidecar = reranker.sidecar
    with sidecar.serving(FP32, trial.decision, threads=1) as served:
        assert replay(golden, served.answer) < 1e-3
        ids = np.ones((1, 4), dtype=np.int64)
        with pytest.raises(ServerRefused, match="expected 3 inputs but got 2 inputs"):
            sidecar.server.infer(name_of(FP32), {"input_ids": ids, "attention_mask": ids}, "logits")


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        (layers_swapped, "logitError"),
        (head_negated, "orderKept"),
        (texts_of_a_pair_alike, "logitError"),
    ],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_a_wrong_graph_misses(reranker: Bench, tmp_path: Path, change: Callable[[ir.Model], None], missed: str) -> None:
    wrong = reranker.built(FP32, changed(reranker.graph, tmp_path / "model.onnx", change))
    verdicts = reranker.verdicts(reranker.asked(wrong, first_texts(reranker.proving)), FP32)
    assert missed in [verdict.gate for verdict in verdicts if verdict.outcome is Outcome.MISS]
