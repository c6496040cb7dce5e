"""How far answers are from what they should be, a row at a time: float32 [rows, size] in, float64 [rows] out.

What is not finite is as far away as can be.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from modelyard.contract.choices import Task
from modelyard_runtime.backend.rows import Answers
from modelyard_runtime.golden import probabilities
from modelyard_runtime.models.description import Description

Numbers: TypeAlias = npt.NDArray[np.float64]

CLEAR_MARGIN = 0.02
EVEN = 0.5
SPREADS = 4
"""Standard deviations that the scores of a reranker range over."""


def likeness(description: Description, a: Answers, b: Answers, *, spread: float = 1.0) -> Numbers:
    """Return how alike two sets of answers are, 1 for equal.

    Cosines of embeddings; for labels 1 less the greatest shift of a probability; for scores 1 less their shift over
    their range, four times the ``spread`` (their standard deviation).
    """
    if description.task is Task.EMBEDDING:
        return cosines(a, b)
    if description.task is Task.RERANKING:
        return 1 - score_errors(a, b, SPREADS * spread)
    return 1 - shifts(a, b, multi_label=description.multi_label)


def distances(description: Description, want: Answers, got: Answers) -> Numbers:
    """Return how far answers are from the original's, 0 for the same, in the unit that the task's gates hold."""
    if description.task is Task.RERANKING:
        return score_errors(want, got, spread_of(want))
    return 1 - likeness(description, want, got)


def cosines(a: Answers, b: Answers) -> Numbers:
    """Return each row's cosine; -1 where an answer is not finite or has no length."""
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        found = (wide_a * wide_b).sum(axis=1) / np.linalg.norm(wide_a, axis=1) / np.linalg.norm(wide_b, axis=1)
    return np.where(np.isfinite(found), np.clip(found, -1, 1), -1.0)


def shifts(a: Answers, b: Answers, *, multi_label: bool) -> Numbers:
    """Return each row's greatest shift of a probability; 1 where an answer is not finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        shift = np.abs(probabilities(a, multi_label=multi_label) - probabilities(b, multi_label=multi_label)).max(
            axis=1
        )
    return np.where(np.isfinite(shift), shift, 1.0)


def logit_errors(want: Answers, got: Answers, *, multi_label: bool) -> Numbers:
    """Return each row's distance from the original's logits, over their root mean square length.

    A shift of all labels alike changes no softmax, so there logits are centred first. This sees a wrong scale where
    probabilities are too certain to move.
    """
    if multi_label:
        return errors(want, got)
    with np.errstate(invalid="ignore"):
        return errors(*(x - x.astype(np.float64).mean(axis=1, keepdims=True) for x in (want, got)))


def errors(want: Answers | Numbers, got: Answers | Numbers) -> Numbers:
    """Return each row's distance to what it should be, over the root mean square length of those.

    At most 1; 1 where an answer is not finite.
    """
    wide_want, wide_got = want.astype(np.float64), got.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        length = np.sqrt((wide_want**2).sum(axis=1).mean())
        error = np.linalg.norm(wide_got - wide_want, axis=1) / np.maximum(length, np.finfo(np.float64).tiny)
    return np.where(np.isfinite(error), np.clip(error, 0, 1), 1.0)


def score_errors(want: Answers, got: Answers, unit: float) -> Numbers:
    """Return by how many units each score, [rows, 1], is off; at most 1, and 1 where one is not finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(got.astype(np.float64) - want.astype(np.float64))[:, 0] / unit
    return np.where(np.isfinite(error), np.clip(error, 0, 1), 1.0)


def spread_of(scores: Answers) -> float:
    """Return the standard deviation of scores, and never 0."""
    return max(float(scores.astype(np.float64).std()), float(np.finfo(np.float64).tiny))


def decisions(before: Numbers, after: Numbers, *, multi_label: bool) -> tuple[npt.NDArray[np.bool_], Numbers]:
    """Return whether each row's decision is the same, and by how much the original was decided.

    before, after: probabilities [rows, labels]. The margin is that of the first label over the second, or of the label
    that is least sure from one half.
    """
    if multi_label:
        return ((before > EVEN) == (after > EVEN)).all(axis=1), np.abs(2 * before - 1).min(axis=1)
    ordered = np.sort(before, axis=1)
    return before.argmax(axis=1) == after.argmax(axis=1), ordered[:, -1] - ordered[:, -2]


def finite(answers: Answers) -> Numbers:
    """Return answers as float64, 0 where they are no number: cosines and shifts have judged those already."""
    return np.where(np.isfinite(answers), answers, 0).astype(np.float64)
