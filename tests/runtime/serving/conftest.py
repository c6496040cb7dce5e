"""A tiny encoder built by every engine, as Triton repositories."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from modelyard.contract.choices import Candidate, Task
from modelyard.contract.request import Shapes
from modelyard_runtime.backend.decision import Decision
from modelyard_runtime.backend.rows import Tokens
from modelyard_runtime.candidates import decision_of
from modelyard_runtime.engines import builder_of
from modelyard_runtime.golden import Golden, Sample
from modelyard_runtime.graph_from_torch import graph_from_torch, save_graph
from modelyard_runtime.models.description import Description, describe
from modelyard_runtime.models.reference import Reference, load_reference
from modelyard_runtime.repository import name_of, write_config
from modelyard_runtime.tokens import Encoded
from tests.candidates import HERE
from tests.models.encoder import tiny_encoder
from tests.servers.triton import START_SECONDS, RunningTriton, running_triton

MOST_TOKENS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiny:
    """A tiny encoder: the original, and each engine's version folder in a Triton repository."""

    source: Path
    description: Description
    reference: Reference
    repository: Path
    decisions: dict[Candidate, Decision]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """The tiny encoder, built once by every engine that this CPU can run."""
    folder = tmp_path_factory.mktemp("tiny")
    source = tiny_encoder(folder / "source", seed=1)
    description = describe(source, Task.AUTO)
    reference = load_reference(source, description)
    graph, repository = folder / "graph" / "model.onnx", folder / "repository"
    save_graph(graph_from_torch(reference), graph)
    decisions = {}
    for candidate in HERE:
        builder = builder_of(candidate)
        assert builder is not None
        version = repository / name_of(candidate) / "1"
        layers = builder(graph, version)
        decisions[candidate] = decision_of(candidate, description, MOST_TOKENS, layers)
        decisions[candidate].write(version)
        write_config(repository, candidate, description, Shapes(), threads=1)
    return Tiny(source=source, description=description, reference=reference, repository=repository, decisions=decisions)


@pytest.fixture(scope="module")
def triton(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTriton]:
    """A Triton that loads what it is asked to."""
    with running_triton(
        tiny.repository, tmp_path_factory.mktemp("triton"), "--explicit", "--stop-seconds=1"
    ) as running:
        with running.client() as client:
            client.wait_live(START_SECONDS)
        yield running


@pytest.fixture
def pod(tiny: Tiny, tmp_path: Path) -> Callable[[], Path]:
    """Return a function that lays out what a serving pod has: one model with golden samples."""

    def laid_out() -> Path:
        candidate = next(c for c in tiny.decisions if c.engine == "OnnxRuntime")
        repository = tmp_path / "models"
        folder = repository / name_of(candidate)
        shutil.copytree(tiny.repository / name_of(candidate), folder)
        texts = [texts_of(length, 1)[0] for length in (3, 9, 17)]
        samples = tuple(
            Sample(input_ids=tuple(ids.tolist()), answer=tuple(tiny.reference.answers([Encoded.of(ids)])[0].tolist()))
            for ids in texts
        )
        Golden(task="Embedding", output="embedding", multi_label=False, samples=samples).write(folder)
        return repository

    return laid_out


def texts_of(length: int, count: int) -> list[Tokens]:
    """Return texts of some length as token ids, the same each time."""
    return list(np.random.default_rng(length).integers(5, 150, (count, length), dtype=np.int64))
