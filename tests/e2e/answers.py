"""What a served model answers, held against its folder in PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from examples.demo.ask import ask_http
from examples.demo.reference import cosines, sentence_encoder
from examples.demo.sentences import SENTENCES
from tests.e2e.yard import Yard


def assert_agrees(yard: Yard, folder: Path) -> None:
    """Answers are the folder's own in PyTorch, and those of different sentences differ."""
    encoder = sentence_encoder(folder)
    tokens = [encoder.tokens(text) for text in SENTENCES]
    answers = ask_http(yard.address("m").http, "m", tokens).embeddings
    right = encoder.embeddings(SENTENCES)
    assert cosines(answers, right).min() > 0.9999
    assert cosines(np.roll(answers, 1, axis=0), right).min() < 0.99
