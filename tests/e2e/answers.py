"""What a served model answers, held against its folder in PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from examples.demo.ask import ask_http
from examples.demo.reference import SentenceEncoder, cosines, sentence_encoder
from examples.demo.sentences import SENTENCES
from tests.e2e.client import RATE, Load, Verdict, steady_load
from tests.e2e.questions import EXACT, Standard
from tests.e2e.yard import Yard


def assert_agrees(yard: Yard, folder: Path) -> None:
    """Answers are the folder's own in PyTorch, and those of different sentences differ."""
    encoder = sentence_encoder(folder)
    tokens = [encoder.tokens(text) for text in SENTENCES]
    answers = ask_http(yard.address("m").http, "m", tokens).embeddings
    right = encoder.embeddings(SENTENCES)
    assert cosines(answers, right).min() > 0.9999
    assert cosines(np.roll(answers, 1, axis=0), right).min() < 0.99


@contextmanager
def under_load(yard: Yard, model: str, encoder: SentenceEncoder, *, rate: float = RATE) -> Iterator[Load]:
    """Ask a model the sentences for the length of the block."""
    texts = [encoder.tokens(text) for text in SENTENCES]
    with steady_load(yard.address(model), model, texts, rate=rate) as load:
        yield load


def exact_verdict(load: Load, encoder: SentenceEncoder, *revisions: str) -> Verdict:
    """Hold the replies to the sentences against PyTorch's float32, whichever of these revisions each names."""
    standard = Standard(answers=encoder.embeddings(SENTENCES), tolerance=EXACT)
    return load.verdict(dict.fromkeys(revisions, standard))


def assert_clean(load: Load, encoder: SentenceEncoder, *revisions: str) -> Verdict:
    """Each request was sent once and answered rightly, and each of these revisions answered."""
    verdict = exact_verdict(load, encoder, *revisions)
    assert verdict.clean, str(verdict)
    assert set(verdict.revisions) == set(revisions), str(verdict)
    return verdict
