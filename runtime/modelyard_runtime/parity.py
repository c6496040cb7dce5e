"""Agreement with the original, out of answers to the same texts: figures with bounds, and what is only reported.

Pure: ``want`` are the original's answers, ``got`` the server's, float32 [rows, size]: a row a text, or a token.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelyard.contract.choices import Precision, Task
from modelyard.contract.report import Figure, Parity
from modelyard.gates import GREATEST_ERROR, NON_FINITE, proven_by_untrained
from modelyard_runtime import ranking, tagging
from modelyard_runtime.backend.rows import Answers
from modelyard_runtime.distances import (
    CLEAR_MARGIN,
    Numbers,
    cosines,
    decisions,
    distances,
    errors,
    finite,
    logit_errors,
    shifts,
)
from modelyard_runtime.distribution import distribution_of
from modelyard_runtime.golden import probabilities
from modelyard_runtime.layout import Layout
from modelyard_runtime.models.description import Description
from modelyard_runtime.statistics import extreme_figure, mean_figure, percentile_figure, share_figure
from modelyard_runtime.text.pairs import PASSAGES

NEIGHBOURS = 10
NOISE = 1e-6
"""What float32 leaves open of an answer, over its length: the original's own answers to a text, asked alone and in
company, lie up to 8e-7 apart (all-MiniLM-L6-v2)."""
FIRST_PERCENTILE, LAST_PERCENTILE = 0.01, 0.99


def parity_of(
    description: Description,
    dataset: str,
    *,
    want: Answers,
    got: Answers,
    layout: Layout,
    invariance: Numbers,
    extremes: Numbers,
    every: Answers,
) -> Parity:
    """Return the parity of a candidate, without a caveat.

    layout: whose rows ``want`` and ``got`` are; invariance: ``likeness`` of answers alone and in company; extremes:
    that of answers to extreme inputs and the original's, which is reported apart and held to no gate but being finite;
    every: all answers that ever came, those of extremes and of neighbours too, and of tokens that nobody reads.
    """
    want, got = want[layout.counts], got[layout.counts]
    figures, reported = _figures(description, layout.text[layout.counts], want, got)
    figures["batchInvariance"] = extreme_figure(invariance, float(_worst(invariance)))
    error = errors(want, got)
    figures[GREATEST_ERROR] = extreme_figure(error, float(error.max()))
    broken = np.asarray(~np.isfinite(every).all(axis=1))
    figures[NON_FINITE] = extreme_figure(broken, float(broken.sum()))
    reported["worstExtreme"] = float(_worst(extremes))
    distribution = distribution_of(description.task, distances(description, want, got))
    return Parity(dataset=dataset, figures=figures, reported=reported, distribution=distribution)


def caveat_of(precision: Precision, *, trained: bool) -> str:
    """Return what parity does not prove: nothing is missing for trained weights."""
    return "" if trained else proven_by_untrained(precision)


def neighbours_kept(want: Answers, got: Answers) -> Numbers:
    """Return the share of each text's ten nearest others that were among its ten nearest, float64 [texts].

    Those that were as near as the tenth, to what float32 can tell, were among them: which of those make up the ten is
    nothing that a copy could keep.
    """
    before = _likenesses(want)
    tenth = -np.partition(-before, NEIGHBOURS - 1, axis=1)[:, NEIGHBOURS - 1]
    after = np.argpartition(-_likenesses(got), NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    near = np.take_along_axis(before, after, axis=1)
    # Two vectors that are off by a share of their length turn their cosine by that times the sine of their angle.
    unknown = 2 * NOISE * np.sqrt(np.maximum(1 - near**2, 0)) + NOISE**2
    kept: Numbers = (near >= tenth[:, None] - unknown).mean(axis=1)
    return kept


def _figures(
    description: Description, owners: npt.NDArray[np.intp], want: Answers, got: Answers
) -> tuple[dict[str, Figure], dict[str, float]]:
    """Return the figures of the task, and what it reports besides. owners: each row's text."""
    if description.task is Task.EMBEDDING:
        return _embedding(want, got)
    if description.task is Task.TOKEN_CLASSIFICATION:
        return tagging.figures_of(description.labels, owners, want, got)
    if description.task is Task.RERANKING:
        return ranking.figures_of(owners // PASSAGES, want, got)
    return _classification(want, got, multi_label=description.multi_label)


def _embedding(want: Answers, got: Answers) -> tuple[dict[str, Figure], dict[str, float]]:
    found = cosines(want, got)
    figures = {
        "p1Cosine": percentile_figure(found, FIRST_PERCENTILE, lowest=-1, highest=1),
        "neighboursKept": mean_figure(neighbours_kept(want, got)),
        "minCosine": extreme_figure(found, float(found.min())),
    }
    norms = np.linalg.norm(want.astype(np.float64), axis=1)
    drift = np.abs(np.linalg.norm(finite(got), axis=1) / norms - 1)
    return figures, {"meanCosine": float(found.mean()), "greatestNormError": float(drift.max())}


def _classification(want: Answers, got: Answers, *, multi_label: bool) -> tuple[dict[str, Figure], dict[str, float]]:
    before, after = (probabilities(finite(x), multi_label=multi_label) for x in (want, got))
    same, margin = decisions(before, after, multi_label=multi_label)
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


def _likenesses(answers: Answers) -> Numbers:
    """Return the cosines of all texts with all others, [texts, texts]; a text is no neighbour of its own."""
    wide = finite(answers)
    wide /= np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    likenesses = wide @ wide.T
    np.fill_diagonal(likenesses, -np.inf)
    return likenesses


def _worst(values: Numbers) -> float:
    return float(values.min()) if len(values) else 0.0
