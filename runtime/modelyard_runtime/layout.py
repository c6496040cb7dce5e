"""Which text each row of answers is of: a text has one row, or one for each of its tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelyard_runtime.tokens import Encoded


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Layout:
    """Rows of answers. Both of ``rows`` entries.

    text: the number of the row's text; counts: False for tokens that the tokenizer added, whose answers nobody reads.
    """

    text: npt.NDArray[np.intp]
    counts: npt.NDArray[np.bool_]

    def rows_of(self, texts: Iterable[int]) -> npt.NDArray[np.intp]:
        """Return the rows of some texts, one text after the other."""
        return np.concatenate([np.flatnonzero(self.text == text) for text in texts])


def layout_of(texts: Sequence[Encoded], *, per_token: bool) -> Layout:
    """Return whose rows the answers to ``texts`` are."""
    if not per_token:
        return Layout(text=np.arange(len(texts)), counts=np.ones(len(texts), dtype=np.bool_))
    return Layout(
        text=np.repeat(np.arange(len(texts)), [len(text) for text in texts]),
        counts=~np.concatenate([text.added for text in texts]),
    )
