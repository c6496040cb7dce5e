"""Pairs of texts: questions with passages, for models that score how well they match, and texts in two halves."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from modelyard_runtime.text.docstrings import prose
from modelyard_runtime.text.questions import LIBRARY_QUESTIONS
from modelyard_runtime.text.selection import PROVING, SELECTING, Asked, Texts, hashed
from modelyard_runtime.text.written import EXTREMES, QUESTIONS

PASSAGES = 8
"""Passages that each question is asked with, one after the other: half by the words they share, half at random."""
DATASET = "built-in pairs, not yours: questions, each with passages from the documentation of Python's library"
ORDINARY = ("what is this about", "A sentence about nothing in particular that nobody would look for.")
"""What extreme texts are paired with."""
HALVED = 4
"""Of the texts of a model that may be asked single texts and pairs, one in so many is made a pair."""

_WORD = re.compile(r"[a-z]{3,}")


def built_in_pairs() -> Texts[Asked]:
    """Return questions with passages, each question's one after the other: the same on every run with one Python.

    Neither a question nor a passage is in two sets.
    """
    deal = partial(hashed, b"deal")
    questions = sorted([*QUESTIONS, *LIBRARY_QUESTIONS], key=deal)
    passages = sorted(set(prose()), key=deal)
    asked, cut = PROVING // PASSAGES, len(passages) * PROVING // (PROVING + SELECTING)
    return Texts(
        dataset=DATASET,
        proving=tuple(_pairs(questions[:asked], passages[:cut])),
        selecting=tuple(_pairs(questions[asked:], passages[cut:])),
        extremes=tuple(_extremes()),
    )


def with_halves(texts: Texts[str]) -> Texts[Asked]:
    """Return the same texts, every fourth of them as a pair, so that pairs are proven as well."""
    return Texts(
        dataset=texts.dataset,
        proving=_halved(texts.proving),
        selecting=_halved(texts.selecting),
        extremes=texts.extremes,
    )


def _pairs(questions: Sequence[str], passages: Sequence[str]) -> Iterator[Asked]:
    """Yield each question with the passages that share most with it, and with some that nobody chose."""
    words = {passage: _words(passage) for passage in passages}
    common = Counter(word for found in words.values() for word in found)
    rarity = {word: math.log(len(passages) / count) for word, count in common.items()}
    left = list(passages)
    for question in questions:
        wanted = _words(question)
        shared = {passage: sum(rarity[word] for word in sorted(wanted & words[passage])) for passage in left}
        likely = sorted(left, key=shared.__getitem__, reverse=True)[: PASSAGES // 2]
        others = [passage for passage in left if passage not in likely][: PASSAGES - len(likely)]
        left = [passage for passage in left if passage not in {*likely, *others}]
        yield from ((question, passage) for passage in sorted([*likely, *others], key=partial(hashed, b"pair")))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))


def _extremes() -> Iterator[Asked]:
    """Yield extreme texts beside an ordinary one, as question and as passage in turn, and nothing beside nothing."""
    question, passage = ORDINARY
    for number, extreme in enumerate(EXTREMES):
        yield (extreme, passage) if number % 2 else (question, extreme)
    yield ("", "")


def _halved(texts: Sequence[str]) -> tuple[Asked, ...]:
    return tuple(text if number % HALVED else _halves(text) for number, text in enumerate(texts))


def _halves(text: str) -> tuple[str, str]:
    """Return a text in two, between words where it has some."""
    cut = text.find(" ", len(text) // 2)
    cut = len(text) // 2 if cut < 0 else cut
    return text[:cut], text[cut:]
