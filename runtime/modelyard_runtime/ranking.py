"""What a reranker keeps of the original: the order of each question's passages, and the scores that it comes from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelyard.contract.report import Figure
from modelyard_runtime.backend.rows import Answers
from modelyard_runtime.distances import CLEAR_MARGIN, Numbers, finite, score_errors, spread_of
from modelyard_runtime.statistics import drawn_anew, percentile_figure, share_figure

LAST_PERCENTILE = 0.99


def figures_of(
    questions: npt.NDArray[np.intp], want: Answers, got: Answers
) -> tuple[dict[str, Figure], dict[str, float]]:
    """Return figures, and what is only reported.

    want, got: float32 [pairs, 1]; questions: each pair's question, [pairs]. Two passages are in a clear order where the
    original's scores differ by more than a fiftieth of their standard deviation.
    """
    spread = spread_of(want)
    before, after = finite(want)[:, 0], finite(got)[:, 0]
    groups = [np.flatnonzero(questions == question) for question in np.unique(questions)]
    orders = [_orders(before[rows], after[rows], CLEAR_MARGIN * spread) for rows in groups]
    kept = np.array([(same | ~clear).sum() for same, clear in orders])
    pairs = np.array([len(same) for same, _ in orders])
    unclear = sum(int((~clear).sum()) for _, clear in orders)
    figures = {
        "logitError": percentile_figure(score_errors(want, got, spread), LAST_PERCENTILE, lowest=0, highest=1),
        "orderKept": _order_figure(kept, pairs, passages=len(before) if unclear < pairs.sum() else 0),
    }
    first = [before[rows].argmax() == after[rows].argmax() for rows in groups]
    reported = {
        "unclear": float(unclear),
        "orderKeptOfAll": float(np.concatenate([same for same, _ in orders]).mean()),
        "firstKept": float(np.mean(first)),
        "scoreSpread": spread,
    }
    return figures, reported


def _orders(before: Numbers, after: Numbers, margin: float) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return of each two passages of a question whether they stay in their order, and whether it was a clear one."""
    one, other = np.triu_indices(len(before), k=1)
    was, became = before[one] - before[other], after[one] - after[other]
    return np.sign(was) == np.sign(became), np.abs(was) > margin


def _order_figure(kept: npt.NDArray[np.int_], pairs: npt.NDArray[np.int_], *, passages: int) -> Figure:
    """Return the share of orders kept. kept, pairs: [questions].

    Bounded by the wider of questions drawn anew, and of the exact bounds of as many single ones as there are passages:
    the orders of one passage go wrong together. No passage in any clear order proves nothing.
    """
    value = float(kept.sum() / pairs.sum()) if passages else 0.0
    exact = share_figure(int(value * passages), passages)
    lower, upper = drawn_anew(kept, pairs)
    return Figure(value=value, lower=min(exact.lower, lower), upper=max(exact.upper, upper), samples=exact.samples)
