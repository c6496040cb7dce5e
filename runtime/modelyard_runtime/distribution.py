"""How far answers lie from the original's, one by one, as the report keeps it: a few of the answers' own distances.

Pure. Quantiles rather than counts in bins: distances span orders of magnitude from FP32 to eight bits, and no bins
would fit both.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from modelyard.contract.choices import Task
from modelyard.contract.report import Distribution, Quantile

MEASURES: Mapping[Task, str] = {
    Task.EMBEDDING: "cosine distance (1 less the cosine)",
    Task.CLASSIFICATION: "greatest shift of a probability",
    Task.TOKEN_CLASSIFICATION: "greatest shift of a token's probability",
    Task.RERANKING: "shift of a score, in standard deviations of the scores",
}
"""What the distance is, by task."""

SHARES = (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 1)
DIGITS = 6


def distribution_of(task: Task, distances: npt.NDArray[np.float64]) -> Distribution | None:
    """Return the distribution of distances, 0 for the same answer; None for a task without a measure.

    distances: float64 [texts], [tokens] or [pairs], by the task.
    """
    if task not in MEASURES or not len(distances):
        return None
    values = np.quantile(distances, SHARES, method="inverted_cdf")
    return Distribution(
        measure=MEASURES[task],
        samples=len(distances),
        quantiles=tuple(
            Quantile(share=share, distance=float(f"{value:.{DIGITS}g}"))
            for share, value in zip(SHARES, values.tolist(), strict=True)
        ),
    )
