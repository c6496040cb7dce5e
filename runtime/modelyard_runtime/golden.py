"""Golden samples: a few inputs with the answers that were proven, replayed by every pod before it gets traffic.

A wrong CPU, library or artifact answers differently; the tolerance leaves room for another order of additions alone.
numpy only: the server's image has no more.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from modelyard_runtime.backend.rows import IDS, MASK, TYPES, Answers, Batch

GOLDEN_FILE = "golden.json"
LEAST_COSINE = 0.999
GREATEST_SHIFT = 0.02
EMBEDDING, TAGGING, RERANKING = "Embedding", "TokenClassification", "Reranking"
"""The tasks whose answers are not one set of labels a text."""

Ask: TypeAlias = Callable[[Batch], Answers]
"""int64 [1, tokens] by the tensor's name -> float32 [1, size], of tokens [1, tokens, size]."""


class GoldenMismatch(RuntimeError):
    """A golden sample is answered differently from what was proven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One text as token ids (no padding) and its proven answer: ``size`` numbers, of tokens as many for each.

    ``token_type_ids`` is empty where the model doesn't read them.
    """

    input_ids: tuple[int, ...]
    answer: tuple[float, ...]
    token_type_ids: tuple[int, ...] = ()

    @property
    def batch(self) -> Batch:
        """Return the tensors of a call with this text alone."""
        ids = np.array([self.input_ids], dtype=np.int64)
        batch = {IDS: ids, MASK: np.ones_like(ids)}
        return batch | ({TYPES: np.array([self.token_type_ids], dtype=np.int64)} if self.token_type_ids else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """The samples of an artifact, the tensor they are answers of, and what the answers are compared by.

    ``spread`` is the standard deviation of a reranker's scores, in which a shift of one is told.
    """

    task: str
    output: str
    multi_label: bool
    samples: tuple[Sample, ...]
    spread: float = 1.0

    def write(self, folder: Path) -> None:
        """Write ``golden.json``, the same bytes for equal values."""
        (folder / GOLDEN_FILE).write_text(json.dumps(asdict(self), sort_keys=True) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Golden:
        """Read ``golden.json``."""
        fields = json.loads((folder / GOLDEN_FILE).read_text())
        samples = (Sample(**{name: tuple(numbers) for name, numbers in one.items()}) for one in fields["samples"])
        return cls(**(fields | {"samples": tuple(samples)}))


def replay(golden: Golden, ask: Ask) -> float:
    """Ask every sample again and return the worst difference. Raises GoldenMismatch beyond the tolerance."""
    worst = 0.0
    for number, sample in enumerate(golden.samples, start=1):
        got = ask(sample.batch)[0].ravel()
        found, limit, measure = difference(golden, sample, got)
        if not found <= limit:  # also where it is not a number
            message = (
                f"golden sample {number} of {len(golden.samples)} is answered differently: {measure} {found:.5f} "
                f"> {limit:g}; this machine or image is not the one that the build was proven on"
            )
            raise GoldenMismatch(message)
        worst = max(worst, found)
    return worst


def difference(golden: Golden, sample: Sample, got: Answers) -> tuple[float, float, str]:
    """Return how far an answer is from that of a sample, how far it may be, and the name of that measure.

    got: float32 [numbers], in the order of ``Sample.answer``.
    """
    want = np.array(sample.answer, dtype=np.float32)
    if want.shape != got.shape:
        message = f"a golden answer has {want.size} numbers, but {got.size} came"
        raise GoldenMismatch(message)
    if golden.task == EMBEDDING:
        return 1 - cosine(want, got), 1 - LEAST_COSINE, "cosine distance"
    if golden.task == RERANKING:
        return float(np.abs(want - got).max()) / golden.spread, GREATEST_SHIFT, "shift of score"
    if golden.task == TAGGING:
        want, got = (numbers.reshape(len(sample.input_ids), -1) for numbers in (want, got))
    shift = probabilities(want, multi_label=golden.multi_label) - probabilities(got, multi_label=golden.multi_label)
    return float(np.abs(shift).max()), GREATEST_SHIFT, "shift of probability"


def cosine(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """Return the cosine of two vectors; of a zero vector it is not a number."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def probabilities(logits: npt.NDArray[Any], *, multi_label: bool) -> npt.NDArray[np.float64]:
    """Return each label's probability. logits: [..., labels]; sigmoid for several labels at once, else softmax."""
    logits = logits.astype(np.float64)
    if multi_label:
        return np.asarray(1 / (1 + np.exp(-logits)))
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
