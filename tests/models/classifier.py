"""A tiny BERT that tells apart whose documentation a paragraph is from, trained here until it beats chance."""

from __future__ import annotations

import ast
import random
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from tests.models.encoder import small_tokenizer

SOURCES = {
    "turtle": ("turtle.py",),
    "mail": ("email/*.py", "mailbox.py", "smtplib.py"),
    "numbers": ("statistics.py", "fractions.py", "random.py", "_pydecimal.py"),
}
LEAST_WORDS = 5
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
    torch.manual_seed(0)
    tokenizer = small_tokenizer()
    texts = _texts()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # products this small only wait for a second thread
    random.Random(0).shuffle(texts)
    held_out, seen = texts[::HELD_OUT], [text for i, text in enumerate(texts) if i % HELD_OUT]
    model = BertForSequenceClassification(_config(len(tokenizer)))
    accuracy = 0.0
    for _ in range(MOST_EPOCHS):
        _epoch(model, tokenizer, seen)
        accuracy = _accuracy(model, tokenizer, held_out)
        if accuracy >= CHANCE + MARGIN:
            break
    torch.set_num_threads(threads)
    assert accuracy >= CHANCE + MARGIN, f"right on {accuracy:.2f} of {len(held_out)} texts, chance is {CHANCE:.2f}"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Trained(folder=folder, unseen=tuple(held_out), accuracy=accuracy)


def _texts() -> list[tuple[str, int]]:
    """Return paragraphs of documentation with the number of the label, as many of each label."""
    library = Path(sysconfig.get_path("stdlib"))
    by_label = [
        sorted({text for pattern in patterns for path in library.glob(pattern) for text in _paragraphs(path)})
        for patterns in SOURCES.values()
    ]
    count = min(map(len, by_label))
    return [(text, label) for label, texts in enumerate(by_label) for text in random.Random(1).sample(texts, count)]


def _paragraphs(path: Path) -> list[str]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, kinds)]
    docstrings = [ast.get_docstring(node) or "" for node in nodes]
    blocks = [" ".join(block.split()) for docstring in docstrings for block in docstring.split("\n\n")]
    return [block for block in blocks if len(block.split()) >= LEAST_WORDS]


def _config(vocabulary: int) -> BertConfig:
    labels = dict(enumerate(SOURCES))
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=512,
        id2label=labels,
        label2id={name: number for number, name in labels.items()},
    )


def _batch(tokenizer: PreTrainedTokenizerFast, texts: list[tuple[str, int]]) -> dict[str, torch.Tensor]:
    rows = tokenizer([text for text, _ in texts], padding=True, truncation=True, max_length=TOKENS, return_tensors="pt")
    return {
        "input_ids": rows["input_ids"],
        "attention_mask": rows["attention_mask"],
        "labels": torch.tensor([label for _, label in texts]),
    }


def _epoch(
    model: BertForSequenceClassification, tokenizer: PreTrainedTokenizerFast, texts: list[tuple[str, int]]
) -> None:
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    random.Random(len(texts)).shuffle(texts)
    for start in range(0, len(texts), 16):
        optimizer.zero_grad()
        model(**_batch(tokenizer, texts[start : start + 16])).loss.backward()
        optimizer.step()


def _accuracy(
    model: BertForSequenceClassification, tokenizer: PreTrainedTokenizerFast, texts: list[tuple[str, int]]
) -> float:
    model.eval()
    batch = _batch(tokenizer, texts)
    with torch.inference_mode():
        answers = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    return float((answers.argmax(dim=1) == batch["labels"]).float().mean())
