"""A tiny BERT that tells apart whose documentation a paragraph is from, trained here until it beats chance."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from tests.models.documentation import paragraphs
from tests.models.encoder import small_tokenizer
from tests.models.training import one_thread, trained_until

SOURCES = {
    "turtle": ("turtle.py",),
    "mail": ("email/*.py", "mailbox.py", "smtplib.py"),
    "numbers": ("statistics.py", "fractions.py", "random.py", "_pydecimal.py"),
}
TOKENS = 64
HELD_OUT = 5
"""One text in so many is never trained on."""
CHANCE = 1 / len(SOURCES)
MARGIN = 0.4
"""By how much more than chance it must be right on texts that it has not seen."""
MOST_EPOCHS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """Where the classifier is, texts that it has not seen with their labels' numbers, and the share it gets right."""

    folder: Path
    unseen: tuple[tuple[str, int], ...]
    accuracy: float


def trained_classifier(folder: Path) -> Trained:
    """Train one and write it. Fails if it has not learnt after ``MOST_EPOCHS``."""
    tokenizer = small_tokenizer()
    texts = _texts()
    random.Random(0).shuffle(texts)
    held_out, seen = texts[::HELD_OUT], [text for i, text in enumerate(texts) if i % HELD_OUT]
    with one_thread():
        model = BertForSequenceClassification(_config(len(tokenizer)))
        accuracy = trained_until(
            model,
            seen,
            lambda some: _batch(tokenizer, some),
            lambda: _accuracy(model, tokenizer, held_out),
            enough=CHANCE + MARGIN,
            most_epochs=MOST_EPOCHS,
        )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Trained(folder=folder, unseen=tuple(held_out), accuracy=accuracy)


def _texts() -> list[tuple[str, int]]:
    """Return paragraphs of documentation with the number of the label, as many of each label."""
    by_label = [paragraphs(patterns) for patterns in SOURCES.values()]
    count = min(map(len, by_label))
    return [(text, label) for label, texts in enumerate(by_label) for text in random.Random(1).sample(texts, count)]


def _config(vocabulary: int) -> BertConfig:
    labels = dict(enumerate(SOURCES))
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=128,  # of 64, the rounding of 8-bit weights is not surely within the gate in each run
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=256,
        max_position_embeddings=512,
        id2label=labels,
        label2id={name: number for number, name in labels.items()},
    )


def _batch(tokenizer: PreTrainedTokenizerFast, texts: Sequence[tuple[str, int]]) -> dict[str, torch.Tensor]:
    rows = tokenizer([text for text, _ in texts], padding=True, truncation=True, max_length=TOKENS, return_tensors="pt")
    return {
        "input_ids": rows["input_ids"],
        "attention_mask": rows["attention_mask"],
        "labels": torch.tensor([label for _, label in texts]),
    }


def _accuracy(
    model: BertForSequenceClassification, tokenizer: PreTrainedTokenizerFast, texts: list[tuple[str, int]]
) -> float:
    batch = _batch(tokenizer, texts)
    answers = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    return float((answers.argmax(dim=1) == batch["labels"]).float().mean())
