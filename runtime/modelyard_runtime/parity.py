"""Agreement with the original, out of answers to the same texts: figures with bounds, and what is only reported.

Pure: ``want`` are the original's answers, ``got`` the server's, float32 [texts, size].
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from modelyard.contract.choices import Precision, Task
from modelyard.contract.report import Figure, Parity
from modelyard.gates import GREATEST_ERROR, NON_FINITE, proven_by_untrained
from modelyard_runtime.golden import probabilities
from modelyard_runtime.models.description import Description
from modelyard_runtime.statistics import extreme_figure, mean_figure, percentile_figure, share_figure

Answers: TypeAlias = npt.NDArray[np.float32]
Numbers: TypeAlias = npt.NDArray[np.float64]

NEIGHBOURS = 10
CLEAR_MARGIN = 0.02
EVEN = 0.5
FIRST_PERCENTILE, LAST_PERCENTILE = 0.01, 0.99


def parity_of(
    description: Description,
    dataset: str,
    *,
    want: Answers,
    got: Answers,
    invariance: Numbers,
    extremes: Numbers,
    every: Answers,
    caveat: str = "",
) -> Parity:
    """Return the parity of a candidate.

    invariance: ``likeness`` of answers alone and in company; extremes: that of answers to extreme inputs and the
    original's, which is reported apart and held to no gate but being finite; every: all answers that ever came, those
    of extremes and of neighbours too.
    """
    figures, reported = (
        _embedding(want, got)
        if description.task is Task.EMBEDDING
        else _classification(want, got, multi_label=description.multi_label)
    )
    figures["batchInvariance"] = extreme_figure(invariance, float(_worst(invariance)))
    error = errors(want, got)
    figures[GREATEST_ERROR] = extreme_figure(error, float(error.max()))
    broken = np.asarray(~np.isfinite(every).all(axis=1))
    figures[NON_FINITE] = extreme_figure(broken, float(broken.sum()))
    reported["worstExtreme"] = float(_worst(extremes))
    return Parity(dataset=dataset, caveat=caveat, figures=figures, reported=reported)


def caveat_of(precision: Precision, *, trained: bool) -> str:
    """Return what parity does not prove: nothing is missing for trained weights."""
    return "" if trained else proven_by_untrained(precision)


def likeness(description: Description, a: Answers, b: Answers) -> Numbers:
    """Return how alike two sets of answers are, 1 for equal: cosines, or 1 less the greatest shift of probability."""
    if description.task is Task.EMBEDDING:
        return cosines(a, b)
    return 1 - shifts(a, b, multi_label=description.multi_label)


def cosines(a: Answers, b: Answers) -> Numbers:
    """Return each row's cosine, float64 [rows]; -1 where an answer is not finite or has no length."""
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        found = (wide_a * wide_b).sum(axis=1) / np.linalg.norm(wide_a, axis=1) / np.linalg.norm(wide_b, axis=1)
    return np.where(np.isfinite(found), np.clip(found, -1, 1), -1.0)


def shifts(a: Answers, b: Answers, *, multi_label: bool) -> Numbers:
    """Return each row's greatest shift of a probability, float64 [rows]; 1 where an answer is not finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        shift = np.abs(probabilities(a, multi_label=multi_label) - probabilities(b, multi_label=multi_label)).max(
            axis=1
        )
    return np.where(np.isfinite(shift), shift, 1.0)


def logit_errors(want: Answers, got: Answers, *, multi_label: bool) -> Numbers:
    """Return each row's distance from the original's logits, over their root mean square length, float64 [rows].

    A shift of all labels alike changes no softmax, so there logits are centred first. This sees a wrong scale where
    probabilities are too certain to move.
    """
    if multi_label:
        return errors(want, got)
    with np.errstate(invalid="ignore"):
        return errors(*(x - x.astype(np.float64).mean(axis=1, keepdims=True) for x in (want, got)))


def errors(want: Answers | Numbers, got: Answers | Numbers) -> Numbers:
    """Return each row's distance to what it should be, over the root mean square length of those, float64 [rows].

    At most 1; 1 where an answer is not finite.
    """
    wide_want, wide_got = want.astype(np.float64), got.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        length = np.sqrt((wide_want**2).sum(axis=1).mean())
        error = np.linalg.norm(wide_got - wide_want, axis=1) / np.maximum(length, np.finfo(np.float64).tiny)
    return np.where(np.isfinite(error), np.clip(error, 0, 1), 1.0)


def neighbours_kept(want: Answers, got: Answers) -> Numbers:
    """Return the share of each text's ten nearest others that stays among its ten nearest, float64 [texts]."""
    before, after = _nearest(want), _nearest(got)
    kept = [len(set(a) & set(b)) / NEIGHBOURS for a, b in zip(before.tolist(), after.tolist(), strict=True)]
    return np.array(kept)


def _embedding(want: Answers, got: Answers) -> tuple[dict[str, Figure], dict[str, float]]:
    found = cosines(want, got)
    figures = {
        "p1Cosine": percentile_figure(found, FIRST_PERCENTILE, lowest=-1, highest=1),
        "neighboursKept": mean_figure(neighbours_kept(want, got)),
        "minCosine": extreme_figure(found, float(found.min())),
    }
    norms = np.linalg.norm(want.astype(np.float64), axis=1)
    drift = np.abs(np.linalg.norm(_finite(got), axis=1) / norms - 1)
    return figures, {"meanCosine": float(found.mean()), "greatestNormError": float(drift.max())}


def _classification(want: Answers, got: Answers, *, multi_label: bool) -> tuple[dict[str, Figure], dict[str, float]]:
    before, after = (probabilities(_finite(x), multi_label=multi_label) for x in (want, got))
    same, margin = _decisions(before, after, multi_label=multi_label)
    clear = margin > CLEAR_MARGIN
    errors = logit_errors(want, got, multi_label=multi_label)
    figures = {
        "agreement": share_figure(int((same | ~clear).sum()), len(same)),  # the undecided keep their logits, see below
        "maxShift": percentile_figure(shifts(want, got, multi_label=multi_label), LAST_PERCENTILE, lowest=0, highest=1),
        "logitError": percentile_figure(errors, LAST_PERCENTILE, lowest=0, highest=1),
    }
    reported = {"unclear": float((~clear).sum()), "agreementOfAll": float(same.mean())}
    if not multi_label:
        for was, became in zip(before.argmax(axis=1)[~same], after.argmax(axis=1)[~same], strict=True):
            key = f"confused.{was}.{became}"
            reported[key] = reported.get(key, 0.0) + 1
    return figures, reported


def _decisions(before: Numbers, after: Numbers, *, multi_label: bool) -> tuple[npt.NDArray[np.bool_], Numbers]:
    """Return whether each text's decision is the same, and by how much the original was decided."""
    if multi_label:
        return ((before > EVEN) == (after > EVEN)).all(axis=1), np.abs(2 * before - 1).min(axis=1)
    ordered = np.sort(before, axis=1)
    return before.argmax(axis=1) == after.argmax(axis=1), ordered[:, -1] - ordered[:, -2]


def _nearest(answers: Answers) -> npt.NDArray[np.intp]:
    """Return the indices of each text's nearest others by cosine, [texts, 10]."""
    wide = _finite(answers)
    wide /= np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    likenesses = wide @ wide.T
    np.fill_diagonal(likenesses, -np.inf)
    return np.argpartition(-likenesses, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]


def _finite(answers: Answers) -> Numbers:
    """Return answers as float64, 0 where they are no number: cosines and shifts have judged those already."""
    return np.where(np.isfinite(answers), answers, 0).astype(np.float64)


def _worst(values: Numbers) -> float:
    return float(values.min()) if len(values) else 0.0
