"""Two sets of texts that share none: one proves, one selects among candidates."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial

from modelyard_runtime.text.docstrings import prose
from modelyard_runtime.text.written import EXTREMES, WRITTEN

PROVING, SELECTING = 320, 160
DATASET = (
    "built-in text, not yours: documentation of Python's library, and sentences in other scripts, code and questions"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The texts of a build. ``dataset`` says whose they are."""

    dataset: str
    proving: tuple[str, ...]
    selecting: tuple[str, ...]
    extremes: tuple[str, ...]


def built_in_texts() -> Texts:
    """Return the built-in texts: the same on every run with the same Python.

    Everything is ordered by its content's hash and dealt out from there, so that no text is in both sets and each set
    has its share of every kind. The written ones all take part; documentation fills what is left. It is picked by
    another hash than it is dealt by: it would have the lowest hashes else, and the written ones the last set.
    """
    whole = PROVING + SELECTING
    documentation = sorted(set(prose()) - set(WRITTEN), key=partial(_hash, b"pick"))[: whole - len(WRITTEN)]
    dealt = sorted([*WRITTEN, *documentation], key=partial(_hash, b"deal"))
    return Texts(
        dataset=DATASET,
        proving=tuple(dealt[:PROVING]),
        selecting=tuple(dealt[PROVING:]),
        extremes=EXTREMES,
    )


def _hash(purpose: bytes, text: str) -> bytes:
    return hashlib.sha256(purpose + text.encode()).digest()
