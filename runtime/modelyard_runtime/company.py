"""Whether an answer depends on its company: the same texts alone, in random batches, and beside extreme neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelyard_runtime.backend.rows import Answers
from modelyard_runtime.distances import Numbers, likeness
from modelyard_runtime.layout import Layout
from modelyard_runtime.models.description import Description
from modelyard_runtime.served import Served
from modelyard_runtime.tokens import Encoded

RANDOM_TEXTS = 96
BESIDE_TEXTS = 32
NEIGHBOURS = 3
BATCH = 8
SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class InCompany:
    """How alike answers are alone and in company, 1 for equal, float64 [comparisons]; and all answers that came."""

    likeness: Numbers
    answers: Answers  # [rows of texts and neighbours, size]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """Texts and their answers where each is asked alone, [rows, size]. ``spread``: of the scores of a reranker."""

    texts: Sequence[Encoded]
    answers: Answers
    layout: Layout
    spread: float

    def likeness(self, description: Description, asked: npt.NDArray[np.intp], got: Answers) -> Numbers:
        """Return how alike these texts' answers are, which come first in ``got``, to those that they have alone."""
        rows = self.layout.rows_of(asked)
        read = self.layout.counts[rows]
        return likeness(description, self.answers[rows][read], got[: len(rows)][read], spread=self.spread)


def in_company(served: Served, description: Description, alone: Alone, extremes: Sequence[Encoded]) -> InCompany:
    """Ask texts beside others. Company is drawn with a fixed seed."""
    drawn = np.random.default_rng(SEED).permutation(len(alone.texts))
    batches = [drawn[start : start + BATCH] for start in range(0, min(RANDOM_TEXTS, len(drawn)), BATCH)]
    calls: list[tuple[npt.NDArray[np.intp], list[Encoded]]] = [(batch, []) for batch in batches]
    for number, text in enumerate(drawn[-BESIDE_TEXTS:]):
        calls.append((np.array([text]), [extremes[(number + k) % len(extremes)] for k in range(NEIGHBOURS)]))
    found, answers = [], []
    for asked, neighbours in calls:
        answers.append(served.together([*(alone.texts[text] for text in asked), *neighbours]))
        found.append(alone.likeness(description, asked, answers[-1]))
    return InCompany(likeness=np.concatenate(found), answers=np.concatenate(answers))
