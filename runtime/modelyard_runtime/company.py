"""Whether an answer depends on its company: the same texts alone, in random batches, and beside extreme neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modelyard_runtime.backend.rows import Tokens
from modelyard_runtime.models.description import Description
from modelyard_runtime.parity import Answers, Numbers, likeness
from modelyard_runtime.sidecar import Served

RANDOM_TEXTS = 96
BESIDE_TEXTS = 32
NEIGHBOURS = 3
BATCH = 8
SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class InCompany:
    """How alike answers are alone and in company, 1 for equal, float64 [comparisons]; and all answers that came."""

    likeness: Numbers
    answers: Answers  # [texts and neighbours, size]


def in_company(
    served: Served, description: Description, texts: Sequence[Tokens], alone: Answers, extremes: Sequence[Tokens]
) -> InCompany:
    """Ask texts beside others.

    alone: the answers to ``texts`` asked one by one. Company is drawn with a fixed seed.
    """
    rng = np.random.default_rng(SEED)
    drawn = rng.permutation(len(texts))
    found, answers = [], []
    for start in range(0, min(RANDOM_TEXTS, len(texts)), BATCH):
        rows = drawn[start : start + BATCH]
        answers.append(served.together([texts[row] for row in rows]))
        found.append(likeness(description, alone[rows], answers[-1]))
    for number, row in enumerate(drawn[-BESIDE_TEXTS:]):
        neighbours = [extremes[(number + k) % len(extremes)] for k in range(NEIGHBOURS)]
        answers.append(served.together([texts[row], *neighbours]))
        found.append(likeness(description, alone[row : row + 1], answers[-1][:1]))
    return InCompany(likeness=np.concatenate(found), answers=np.concatenate(answers))
