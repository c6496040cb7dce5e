"""Golden samples: what is answered differently is seen, whatever the task."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from modelyard_runtime.backend.rows import IDS, MASK, TYPES, Answers, Batch
from modelyard_runtime.golden import Golden, GoldenMismatch, Sample, replay

EMBEDDING = (1.0, 2.0, 3.0)
LOGITS = (4.0, -1.0, 0.5)


def golden(task: str, *answers: tuple[float, ...], spread: float = 1.0, types: tuple[int, ...] = ()) -> Golden:
    """Return samples of two tokens each."""
    samples = tuple(Sample(input_ids=(5, 6), answer=answer, token_type_ids=types) for answer in answers)
    return Golden(task=task, output="logits", multi_label=False, samples=samples, spread=spread)


TASKS = {
    "Embedding": (golden("Embedding", EMBEDDING), (3,)),
    "Classification": (golden("Classification", LOGITS), (3,)),
    "TokenClassification": (golden("TokenClassification", LOGITS + LOGITS[::-1]), (2, 3)),
    "Reranking": (golden("Reranking", (-9.5,), spread=3.0), (1,)),
}


def answered(shape: tuple[int, ...], numbers: Answers) -> Answers:
    return numbers.reshape(1, *shape)


@pytest.mark.parametrize("task", TASKS)
def test_the_same_answer_is_as_proven(task: str) -> None:
    samples, shape = TASKS[task]
    same = np.array(samples.samples[0].answer, dtype=np.float32)
    assert replay(samples, lambda _: answered(shape, same)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("Embedding", "cosine distance"),
        ("Classification", "shift of probability"),
        ("TokenClassification", "shift of probability"),
        ("Reranking", "shift of score"),
    ],
)
def test_another_answer_is_not(task: str, words: str) -> None:
    samples, shape = TASKS[task]
    other = np.array(samples.samples[0].answer, dtype=np.float32)
    other[-1] += 2
    with pytest.raises(GoldenMismatch, match=f"golden sample 1 of 1 is answered differently: {words}"):
        replay(samples, lambda _: answered(shape, other))


def test_labels_of_other_tokens_are_other_answers() -> None:
    samples, shape = TASKS["TokenClassification"]
    swapped = np.array(LOGITS[::-1] + LOGITS, dtype=np.float32)
    with pytest.raises(GoldenMismatch):
        replay(samples, lambda _: answered(shape, swapped))


def test_an_answer_of_another_size_is_told() -> None:
    samples, _ = TASKS["TokenClassification"]
    with pytest.raises(GoldenMismatch, match="has 6 numbers, but 9 came"):
        replay(samples, lambda _: np.zeros((1, 3, 3), np.float32))


def test_pairs_are_asked_as_pairs(tmp_path: Path) -> None:
    golden("Reranking", (1.0,), types=(0, 1)).write(tmp_path)
    asked: list[Batch] = []

    def ask(batch: Batch) -> Answers:
        asked.append(batch)
        return np.ones((1, 1), np.float32)

    assert replay(Golden.read(tmp_path), ask) == 0
    assert {name: tensor.tolist() for name, tensor in asked[0].items()} == {
        IDS: [[5, 6]],
        MASK: [[1, 1]],
        TYPES: [[0, 1]],
    }


def test_samples_of_the_version_before_are_read(tmp_path: Path) -> None:
    before: dict[str, object] = {"task": "Embedding", "output": "embedding", "multi_label": False}
    before["samples"] = [{"input_ids": [5], "answer": [1.0]}]
    (tmp_path / "golden.json").write_text(json.dumps(before))
    assert list(Golden.read(tmp_path).samples[0].batch) == [IDS, MASK]
