"""Two sets of texts that share none: one proves, one selects among candidates."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeAlias, TypeVar

from modelyard_runtime.text.docstrings import prose
from modelyard_runtime.text.written import EXTREMES, WRITTEN

Asked: TypeAlias = str | tuple[str, str]
"""What a model is asked: a text, or a pair of texts."""
One = TypeVar("One", str, Asked)

PROVING, SELECTING = 320, 160
DATASET = (
    "built-in text, not yours: documentation of Python's library, and sentences in other scripts, code and questions"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts(Generic[One]):
    """The texts of a build. ``dataset`` says whose they are."""

    dataset: str
    proving: tuple[One, ...]
    selecting: tuple[One, ...]
    extremes: tuple[One, ...]


def built_in_texts(*more: str) -> Texts[str]:
    """Return the built-in texts, with ``more`` of them written for a purpose: the same each time with one Python.

    Everything is ordered by its content's hash and dealt out from there, so that no text is in both sets and each set
    has its share of every kind. The written ones all take part; documentation fills what is left. It is picked by
    another hash than it is dealt by: it would have the lowest hashes else, and the written ones the last set.
    """
    written = (*WRITTEN, *more)
    left = PROVING + SELECTING - len(written)
    documentation = sorted(set(prose()) - set(written), key=partial(hashed, b"pick"))[:left]
    dealt = sorted([*written, *documentation], key=partial(hashed, b"deal"))
    return Texts(
        dataset=DATASET,
        proving=tuple(dealt[:PROVING]),
        selecting=tuple(dealt[PROVING:]),
        extremes=EXTREMES,
    )


def hashed(purpose: bytes, text: str) -> bytes:
    """Return what texts are ordered by: another order for each purpose, which nobody chose."""
    return hashlib.sha256(purpose + text.encode()).digest()
