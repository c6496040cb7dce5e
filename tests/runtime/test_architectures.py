"""Every architecture that a build takes, as a small model of its real class: exported, built, asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from modelyard.contract.choices import Candidate, Task
from modelyard_runtime.backend.rows import Tokens, padded
from modelyard_runtime.backend.sessions import open_session
from modelyard_runtime.candidates import decision_of
from modelyard_runtime.engines import builder_of
from modelyard_runtime.graph_from_torch import graph_from_torch, save_graph
from modelyard_runtime.models.description import Description, Pooling, describe
from modelyard_runtime.models.families import FAMILIES
from modelyard_runtime.models.reference import Reference, load_reference
from modelyard_runtime.parity import Answers
from modelyard_runtime.passes.guards import without_nan_guards
from tests.candidates import FP32, HERE
from tests.models.architectures import VOCABULARY, small_model

pytestmark = pytest.mark.timeout(600)

BATCHES = ((1,), (7,), (64,), (3, 60, 17), (5, 5, 5, 5))
"""Lengths of the texts that share a call: alone, padded, and alike."""
EXACT, ROUNDED = 1e-5, 0.08
"""The greatest distance to the original's answer, over its length: random weights tell a wrong graph from a right one,
and nothing about quality."""


@pytest.mark.parametrize("task", [Task.EMBEDDING, Task.CLASSIFICATION])
@pytest.mark.parametrize("model_type", FAMILIES)
def test_an_architecture_is_built_by_every_engine(tmp_path: Path, model_type: str, task: Task) -> None:
    description = describe(small_model(tmp_path / "model", model_type, task), task)
    if description.family.decoder and task is Task.EMBEDDING:
        description = replace(description, pooling=Pooling.LAST)
    original = load_reference(tmp_path / "model", description)
    graph = tmp_path / "graph" / "model.onnx"
    save_graph(graph_from_torch(original), graph)
    guarded = description.family.windowed or description.family.attention == "eager"  # or it never had a guard
    assert (without_nan_guards(ir.load(graph)) == 0) is guarded
    wanted = np.concatenate([want(original, texts) for texts in map(texts_of, BATCHES)])
    for candidate in HERE:
        got = answers_of(candidate, description, graph, tmp_path / candidate.engine / candidate.precision)
        right, wrong = distances(wanted, got), distances(wanted, np.roll(got, 1, axis=0))
        print(f"  {candidate.precision}: {right.max():.2g}, of other texts {wrong.min():.2g}")
        assert right.max() < (EXACT if candidate == FP32 else ROUNDED), candidate
        assert wrong.min() > ROUNDED, "answers of other texts are told apart"


def want(original: Reference, texts: list[Tokens]) -> Answers:
    """Return the original's answers to texts asked one by one."""
    return np.concatenate([original.answer(ids[None], np.ones_like(ids)[None]) for ids in texts])


def distances(want: Answers, got: Answers) -> Answers:
    """Return how far each answer is from the original's, over the length of that."""
    far: Answers = np.linalg.norm(got - want, axis=1) / np.linalg.norm(want, axis=1)
    return far


def answers_of(candidate: Candidate, description: Description, graph: Path, folder: Path) -> Answers:
    """Build a candidate and return its answers to all batches."""
    builder = builder_of(candidate)
    assert builder is not None
    layers = builder(graph, folder)
    session = open_session(folder, decision_of(candidate, description, description.positions, layers), threads=1)
    batches = ([(ids, np.ones_like(ids)) for ids in texts_of(lengths)] for lengths in BATCHES)
    return np.concatenate([session(*padded(rows, description.pad_token)) for rows in batches])


def texts_of(lengths: tuple[int, ...]) -> list[Tokens]:
    """Return texts of these lengths as token ids, the same each time."""
    rng = np.random.default_rng(sum(lengths))
    return [rng.integers(5, VOCABULARY, length, dtype=np.int64) for length in lengths]
