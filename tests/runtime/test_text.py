"""Built-in text: enough of it, of every kind, the same each time, and no text in two sets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelyard_runtime.text.docstrings import prose
from modelyard_runtime.text.selection import Texts, built_in_texts
from modelyard_runtime.text.written import CODE, EXTREMES, OTHER_SCRIPTS, QUESTIONS

DIGEST = """
import hashlib
from modelyard_runtime.text.selection import built_in_texts
print(hashlib.sha256(repr(built_in_texts()).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def texts() -> Texts:
    """The built-in texts."""
    return built_in_texts()


def test_there_is_enough_to_bound_a_percentile(texts: Texts) -> None:
    assert (len(texts.proving), len(texts.selecting)) == (320, 160)


def test_no_text_is_in_two_sets(texts: Texts) -> None:
    everything = [*texts.proving, *texts.selecting, *texts.extremes]
    seen: dict[str, str] = {}
    for text in everything:
        folded = " ".join(text.casefold().split()) or repr(text)
        assert folded not in seen, f"{text!r} repeats {seen[folded]!r}"
        seen[folded] = text


def test_every_kind_takes_part_in_the_proof(texts: Texts) -> None:
    for kind in (QUESTIONS, OTHER_SCRIPTS, CODE):
        assert len(set(kind) & set(texts.proving)) >= 3


def test_the_proof_has_short_texts_and_long_ones(texts: Texts) -> None:
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
