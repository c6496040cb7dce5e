"""Every architecture that a build takes, as a small model of its real class: exported, built, asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from modelyard.contract.choices import Candidate, Precision, Task
from modelyard.contract.request import Shapes
from modelyard_runtime.backend.rows import Answers, padded
from modelyard_runtime.backend.sessions import open_session
from modelyard_runtime.candidates import decision_of
from modelyard_runtime.engines import builder_of
from modelyard_runtime.graph_from_torch import graph_from_torch, save_graph
from modelyard_runtime.models.description import Description, Pooling, describe
from modelyard_runtime.models.families import FAMILIES
from modelyard_runtime.models.reference import Reference, load_reference
from modelyard_runtime.passes.guards import without_nan_guards
from modelyard_runtime.repository import VERSION, name_of, write_config
from modelyard_runtime.served import Served
from modelyard_runtime.tokens import Encoded, rows_of_answers
from tests.candidates import FP32, HERE
from tests.models.architectures import VOCABULARY, small_model
from tests.servers.triton import running_triton

pytestmark = pytest.mark.timeout(1500)  # each builds by every engine, and yields to all other work

BATCHES = ((1,), (7,), (64,), (3, 60, 17), (5, 5, 5, 5))
"""Lengths of the texts that share a call: alone, padded, and alike."""
EXACT, ROUNDED = 1e-5, 0.08
"""The greatest distance to the original's answer, over its length: random weights tell a wrong graph from a right one,
and nothing about quality."""
POOLINGS = {
    "bert": Pooling.CLS,
    "xlm-roberta": Pooling.CLS,
    "distilbert": Pooling.MAX,
    "qwen3": Pooling.LAST,
}
"""How some of the embedders pool; the others take the mean. Each pooling is done by some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """A small model: the original, and its exported graph in a folder of its own."""

    folder: Path
    description: Description
    original: Reference

    @property
    def graph(self) -> Path:
        """Return the graph."""
        return self.folder / "graph" / "model.onnx"

    def built(self, candidate: Candidate, version: Path) -> dict[str, int]:
        """Build a candidate into a version folder."""
        builder = builder_of(candidate)
        assert builder is not None
        layers = builder(self.graph, version)
        decision_of(candidate, self.description, self.description.positions, layers).write(version)
        return layers


@pytest.fixture
def small(tmp_path: Path) -> Callable[[str, Task], Small]:
    """Return a function that makes a small model, loads it and exports it."""

    def made(model_type: str, task: Task) -> Small:
        description = describe(small_model(tmp_path / "model", model_type, task), task)
        if task is Task.EMBEDDING:
            description = replace(description, pooling=POOLINGS.get(model_type, Pooling.MEAN))
        one = Small(folder=tmp_path, description=description, original=load_reference(tmp_path / "model", description))
        assert not one.original.trained, "whose weights are random is told by them"
        save_graph(graph_from_torch(one.original), one.graph)
        return one

    return made


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Small], Answers]]:
    """Return a function that has a Triton serve a model at FP32 and returns its answers to all batches."""
    folder = tmp_path_factory.mktemp("triton")
    repository = folder / "repository"
    repository.mkdir()
    with (
        running_triton(repository, folder / "run", "--explicit", "--stop-seconds=1") as triton,
        triton.client() as server,
    ):
        server.wait_live(60)

        def asked(small: Small) -> Answers:
            name, description = name_of(FP32), small.description
            layers = small.built(FP32, repository / name / VERSION)
            write_config(repository, FP32, description, Shapes(), threads=1)
            server.load(name)
            decision = decision_of(FP32, description, description.positions, layers)
            served = Served(answer=partial(server.infer, name, output=decision.output), decision=decision)
            answers = np.concatenate([served.together(texts_of(lengths, description)) for lengths in BATCHES])
            server.unload(name)
            return answers

        yield asked


@pytest.mark.parametrize("task", [Task.EMBEDDING, Task.CLASSIFICATION])
@pytest.mark.parametrize("model_type", FAMILIES)
def test_an_architecture_is_built_by_every_engine(
    small: Callable[[str, Task], Small], model_type: str, task: Task
) -> None:
    one = small(model_type, task)
    family = one.description.family
    guarded = family.windowed or family.attention == "eager"  # or it never had a guard
    assert (without_nan_guards(ir.load(one.graph)) == 0) is guarded
    for candidate in HERE:
        compare(
            one,
            in_process(one, candidate),
            EXACT if candidate.precision is Precision.FP32 else ROUNDED,
            candidate.precision,
        )


@pytest.mark.parametrize("model_type", FAMILIES)
def test_an_architecture_answers_for_each_token_in_triton(
    small: Callable[[str, Task], Small], ask: Callable[[Small], Answers], model_type: str
) -> None:
    one = small(model_type, Task.TOKEN_CLASSIFICATION)
    compare(one, ask(one), EXACT, model_type)


def compare(small: Small, got: Answers, limit: float, what: str) -> None:
    """Hold answers to all batches against the original's, of which each text is asked alone."""
    description = small.description
    wanted = np.concatenate([want(small.original, texts_of(lengths, description)) for lengths in BATCHES])
    right, wrong = distances(wanted, got), distances(wanted, np.roll(got, 1, axis=0))
    print(f"  {what}: {right.max():.2g}, of other texts {np.median(wrong):.2g}")
    assert right.max() < limit, what
    assert np.median(wrong) > ROUNDED, "answers of other texts are told apart"
    assert description.per_token or wrong.min() > limit


def want(original: Reference, texts: list[Encoded]) -> Answers:
    """Return the original's answers to texts asked one by one."""
    return np.concatenate([original.answers([text]) for text in texts])


def distances(want: Answers, got: Answers) -> Answers:
    """Return how far each answer is from the original's, over the length of that."""
    far: Answers = np.linalg.norm(got - want, axis=1) / np.linalg.norm(want, axis=1)
    return far


def in_process(small: Small, candidate: Candidate) -> Answers:
    """Build a candidate and return its answers to all batches."""
    version, description = small.folder / candidate.engine / candidate.precision, small.description
    layers = small.built(candidate, version)
    session = open_session(version, decision_of(candidate, description, description.positions, layers), threads=1)
    answers = []
    for lengths in BATCHES:
        texts = texts_of(lengths, description)
        batch = padded([text.tensors(description.inputs) for text in texts], description.pad_token)
        answers.append(rows_of_answers(texts, session(batch)))
    return np.concatenate(answers)


def texts_of(lengths: tuple[int, ...], description: Description) -> list[Encoded]:
    """Return texts of these lengths, the same each time, as pairs where the model tells the two apart."""
    rng = np.random.default_rng(sum(lengths))
    texts = [Encoded.of(rng.integers(5, VOCABULARY, length, dtype=np.int64)) for length in lengths]
    if not description.token_types:
        return texts
    return [replace(text, types=(np.arange(len(text)) > len(text) // 2).astype(np.int64)) for text in texts]
