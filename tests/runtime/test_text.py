"""Built-in text: enough of it, of every kind, the same each time, and no text in two sets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelyard_runtime.text.docstrings import prose
from modelyard_runtime.text.named import NAMED
from modelyard_runtime.text.pairs import PASSAGES, built_in_pairs, with_halves
from modelyard_runtime.text.selection import Asked, Texts, built_in_texts
from modelyard_runtime.text.written import CODE, EXTREMES, OTHER_SCRIPTS, QUESTIONS

DIGEST = """
import hashlib
from modelyard_runtime.text.pairs import built_in_pairs
from modelyard_runtime.text.selection import built_in_texts
print(hashlib.sha256(repr([built_in_texts(), built_in_pairs()]).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def texts() -> Texts[str]:
    """The built-in texts."""
    return built_in_texts()


def test_there_is_enough_to_bound_a_percentile(texts: Texts[str]) -> None:
    assert (len(texts.proving), len(texts.selecting)) == (320, 160)


def test_no_text_is_in_two_sets(texts: Texts[str]) -> None:
    everything = [*texts.proving, *texts.selecting, *texts.extremes]
    seen: dict[str, str] = {}
    for text in everything:
        folded = " ".join(text.casefold().split()) or repr(text)
        assert folded not in seen, f"{text!r} repeats {seen[folded]!r}"
        seen[folded] = text


def test_every_kind_takes_part_in_the_proof(texts: Texts[str]) -> None:
    for kind in (QUESTIONS, OTHER_SCRIPTS, CODE):
        assert len(set(kind) & set(texts.proving)) >= 3


def test_the_proof_has_short_texts_and_long_ones(texts: Texts[str]) -> None:
    words = sorted(len(text.split()) for text in texts.proving)
    assert words[0] <= 8
    assert words[-1] >= 120
    assert 20 <= sum(words) / len(words) <= 80


def test_extremes_are_extreme() -> None:
    lengths = sorted(map(len, EXTREMES))
    assert lengths[0] == 0
    assert lengths[-1] >= 2000
    assert any(text.isspace() for text in EXTREMES), "a blank one, which is not the empty one"
    assert any(text and not any(map(str.isalnum, text)) for text in EXTREMES if not text.isspace()), "without a word"
    assert any(len(text) == 1 and not text.isascii() for text in EXTREMES), "a single emoji"
    assert any(len(text) >= 100 and " " not in text for text in EXTREMES), "a word without an end"


def test_names_take_part_where_they_are_looked_for(texts: Texts[str]) -> None:
    with_names = built_in_texts(*NAMED)
    assert (len(with_names.proving), len(with_names.selecting)) == (len(texts.proving), len(texts.selecting))
    assert len(set(NAMED) & set(with_names.proving)) >= len(NAMED) / 2
    assert not set(with_names.proving) & set(with_names.selecting)
    for kind in (QUESTIONS, OTHER_SCRIPTS, CODE):
        assert len(set(kind) & set(with_names.proving)) >= 3


@pytest.fixture(scope="module")
def pairs() -> Texts[Asked]:
    """The built-in pairs."""
    return built_in_pairs()


def test_each_question_is_asked_with_passages_of_its_own(pairs: Texts[Asked]) -> None:
    assert (len(pairs.proving), len(pairs.selecting)) == (320, 160)
    seen: set[str] = set()
    for asked in (pairs.proving, pairs.selecting):
        for start in range(0, len(asked), PASSAGES):
            questions, passages = zip(*asked[start : start + PASSAGES], strict=True)
            assert len(set(questions)) == 1
            assert not {questions[0], *passages} & seen
            seen |= {questions[0], *passages}
    assert len(seen) == 480 + 60


def test_some_passages_answer_their_question_and_most_do_not(pairs: Texts[Asked]) -> None:
    words = [[set(text.casefold().split()) for text in pair] for pair in pairs.proving]
    shared = [len(question & passage) >= 3 for question, passage in words]
    assert 0.1 <= sum(shared) / len(shared) <= 0.5


def test_extreme_texts_are_asked_as_question_and_as_passage(pairs: Texts[Asked]) -> None:
    for side in (0, 1):
        assert len({pair[side] for pair in pairs.extremes} & set(EXTREMES)) >= len(EXTREMES) // 2
    assert ("", "") in pairs.extremes


def test_a_text_in_halves_is_the_same_text(texts: Texts[str]) -> None:
    halved = with_halves(texts)
    assert tuple("".join(one) for one in halved.proving) == texts.proving
    assert sum(isinstance(one, tuple) for one in halved.proving) == 80
    assert all(first and second for first, second in (one for one in halved.proving if isinstance(one, tuple)))


def test_prose_is_sentences_without_examples() -> None:
    found = list(prose())
    assert len(set(found)) >= 600
    assert not [text for text in found if ">>>" in text or "\n" in text]


def test_another_process_picks_the_same(root: Path) -> None:
    def digest(seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", DIGEST], env=environment, cwd=root, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert digest("1") == digest("2")
