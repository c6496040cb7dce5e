"""A classifier that learnt something on the whole way: what is served decides as it does in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tests.e2e.client import steady_load
from tests.e2e.kit import MakeYard, Push
from tests.e2e.questions import Standard, Tokens
from tests.e2e.waiting import wait_for
from tests.e2e.yard import Yard
from tests.models.classifier import CHANCE, MARGIN, TOKENS, Trained, trained_classifier

pytestmark = pytest.mark.cluster

NAME = "whose"
ASKED = 40
TOLERANCE = 0.05
"""Of the length of a text's logits: the distance that the gate allows at the 99th percentile."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A small classifier."""
    return trained_classifier(tmp_path_factory.mktemp("classifier") / "model")


@pytest.fixture(scope="module")
def served(make_yard: MakeYard, push: Push, trained: Trained) -> Yard:
    """A namespace in which it is served, by whichever engine is fastest."""
    yard = make_yard("classifier")
    yard.submit(NAME, push(trained.folder, "classifier"), optimization={"engine": "Auto", "precision": "Auto"})
    yard.healthy(NAME)
    return yard


def test_logits_and_decisions_are_those_of_pytorch(served: Yard, trained: Trained) -> None:
    texts, labels = zip(*trained.unseen[:ASKED], strict=True)
    tokens, logits = in_pytorch(trained, texts)
    right = np.mean(logits.argmax(axis=1) == labels)
    assert right >= CHANCE + MARGIN / 2, "on these few texts, too, it is better than a guess"
    revision = served.model(NAME)["status"]["stableRevision"]
    with steady_load(served.address(NAME), NAME, tokens, output="logits", rate=40) as load:
        wait_for(lambda: load.answered(revision) >= 2 * ASKED, seconds=60, what="answered", cluster=served.cluster)
    verdict = load.verdict({revision: Standard(answers=logits, tolerance=TOLERANCE)})
    assert verdict.clean, str(verdict)
    # What is served for each text is mostly wrong for the next: two texts of one label may be answered alike.
    others = load.verdict({revision: Standard(answers=np.roll(logits, 1, axis=0), tolerance=TOLERANCE)})
    assert len(others.wrong) > others.requests / 2


def test_status_tells_the_proof_of_a_classifier(served: Yard) -> None:
    [artifact] = served.model(NAME)["status"]["artifacts"]
    assert float(artifact["parity"]["agreement"]) >= 0.99
    assert float(artifact["parity"]["maxShift"]) <= 0.05
    assert "neighboursKept" not in artifact["parity"]


def in_pytorch(trained: Trained, texts: tuple[str, ...] | list[str]) -> tuple[list[Tokens], NDArray[np.float32]]:
    """Return the texts as the model reads them, and its logits, float32 (texts, labels), each text asked alone."""
    tokenizer = AutoTokenizer.from_pretrained(trained.folder)
    model = AutoModelForSequenceClassification.from_pretrained(trained.folder).eval()
    names = ("input_ids", "attention_mask")
    tokens: list[Tokens] = []
    for text in texts:
        row = tokenizer(text, truncation=True, max_length=TOKENS, return_tensors="np")
        tokens.append({name: row[name].astype(np.int64) for name in names})
    with torch.inference_mode():
        rows = [model(**{name: torch.from_numpy(ids) for name, ids in one.items()}).logits[0] for one in tokens]
    logits: NDArray[np.float32] = torch.stack(rows).numpy()
    return tokens, logits
