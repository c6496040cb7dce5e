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

GOLDEN_FILE = "golden.json"
LEAST_COSINE = 0.999
GREATEST_SHIFT = 0.02
EMBEDDING = "Embedding"

Ask: TypeAlias = Callable[[npt.NDArray[np.int64], npt.NDArray[np.int64]], npt.NDArray[np.float32]]
"""(input_ids, attention_mask), int64 [1, tokens] each -> float32 [1, size]."""


class GoldenMismatch(RuntimeError):
    """A golden sample is answered differently from what was proven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One text as token ids (no padding) and its proven answer, ``size`` numbers."""

    input_ids: tuple[int, ...]
    answer: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """The samples of an artifact, the tensor they are answers of, and what the answers are compared by."""

    task: str
    output: str
    multi_label: bool
    samples: tuple[Sample, ...]

    def write(self, folder: Path) -> None:
        """Write ``golden.json``, the same bytes for equal values."""
        (folder / GOLDEN_FILE).write_text(json.dumps(asdict(self), sort_keys=True) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Golden:
        """Read ``golden.json``."""
        fields = json.loads((folder / GOLDEN_FILE).read_text())
        samples = tuple(Sample(input_ids=tuple(s["input_ids"]), answer=tuple(s["answer"])) for s in fields["samples"])
        return cls(**(fields | {"samples": samples}))


def replay(golden: Golden, ask: Ask) -> float:
    """Ask every sample again and return the worst difference. Raises GoldenMismatch beyond the tolerance."""
    worst = 0.0
    for number, sample in enumerate(golden.samples, start=1):
        ids = np.array([sample.input_ids], dtype=np.int64)
        got = ask(ids, np.ones_like(ids))[0]
        found, limit, measure = difference(golden, np.array(sample.answer, dtype=np.float32), got)
        if not found <= limit:  # also where it is not a number
            message = (
                f"golden sample {number} of {len(golden.samples)} is answered differently: {measure} {found:.5f} "
                f"> {limit:g}; this machine or image is not the one that the build was proven on"
            )
            raise GoldenMismatch(message)
        worst = max(worst, found)
    return worst


def difference(golden: Golden, want: npt.NDArray[Any], got: npt.NDArray[Any]) -> tuple[float, float, str]:
    """Return how far two answers are apart, how far they may be, and the name of that measure."""
    if want.shape != got.shape:
        message = f"a golden answer has {want.size} numbers, but {got.size} came"
        raise GoldenMismatch(message)
    if golden.task == EMBEDDING:
        return 1 - cosine(want, got), 1 - LEAST_COSINE, "cosine distance"
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
