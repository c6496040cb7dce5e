"""Whether an answer depends on its company: the same texts alone, in random batches, and beside extreme neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modelyard_runtime.backend.rows import Tokens
from modelyard_runtime.models.description import Description
from modelyard_runtime.parity import Answers, Numbers, likeness
from modelyard_runtime.repository import Served

RANDOM_TEXTS = 96
BESIDE_TEXTS = 32
NEIGHBOURS = 3
BATCH = 8
SEED = 7


def invariance(
    served: Served, description: Description, texts: Sequence[Tokens], alone: Answers, extremes: Sequence[Tokens]
) -> Numbers:
    """Return how alike answers are alone and in company, 1 for equal, float64 [comparisons].

    alone: the answers to ``texts`` asked one by one. Company is drawn with a fixed seed.
    """
    rng = np.random.default_rng(SEED)
    drawn = rng.permutation(len(texts))
    found = []
    for start in range(0, min(RANDOM_TEXTS, len(texts)), BATCH):
        rows = drawn[start : start + BATCH]
        found.append(likeness(description, alone[rows], served.together([texts[row] for row in rows])))
    for number, row in enumerate(drawn[-BESIDE_TEXTS:]):
        neighbours = [extremes[(number + k) % len(extremes)] for k in range(NEIGHBOURS)]
        beside = served.together([texts[row], *neighbours])[:1]
        found.append(likeness(description, alone[row : row + 1], beside))
    return np.concatenate(found)
