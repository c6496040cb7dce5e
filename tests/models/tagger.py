"""A tiny BERT that finds what documentation speaks of and what is done with it, trained here until it beats chance."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

from modelyard_runtime.tagging import Entity, entities, f1_figure
from tests.models.documentation import paragraphs
from tests.models.encoder import small_tokenizer
from tests.models.training import one_thread, trained_until

SOURCES = ("argparse.py", "email/*.py", "logging/*.py", "subprocess.py", "turtle.py", "smtplib.py", "pathlib.py")
KINDS = {
    "THING": "file message object string value name argument function method class module header line list number",
    "DOING": "return returns raise raises call called set use used create created write read add open close send",
}
"""Words of two kinds. The tokenizer cuts most into pieces: to tell one, the model must look at its neighbours."""
LABELS = ("O", *(f"{prefix}-{kind}" for kind in KINDS for prefix in "BI"))
IGNORED = -100
"""A label that no loss is taken of: special tokens and padding have it."""
TOKENS = 64
TEXTS = 640
HELD_OUT = 5
"""One text in so many is never trained on."""
MARGIN = 0.4
"""By how much its F1 must beat that of the right labels in random places, on texts that it has not seen."""
LEAST_EPOCHS, MOST_EPOCHS = 10, 20
"""After a few epochs its F1 is enough while one label of five is never given."""

_WORD = re.compile(r"[a-z]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedTagger:
    """Where the tagger is, texts that it has not seen, its F1 on them and that of chance."""

    folder: Path
    unseen: tuple[str, ...]
    f1: float
    chance: float


def trained_tagger(folder: Path) -> TrainedTagger:
    """Train one and write it. Fails if it has not learnt after ``MOST_EPOCHS``."""
    tokenizer = small_tokenizer()
    texts = paragraphs(SOURCES)
    random.Random(0).shuffle(texts)
    texts = texts[:TEXTS]
    held_out, seen = texts[::HELD_OUT], [text for i, text in enumerate(texts) if i % HELD_OUT]
    with one_thread():
        model = BertForTokenClassification(_config(len(tokenizer)))
        batch, want = _batch(tokenizer, held_out), labels_of(tokenizer, held_out)

        def f1() -> float:
            answers = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.argmax(dim=2)
            got = [row[: len(labels)].tolist() for row, labels in zip(answers, want, strict=True)]
            return f1_of(want, got)

        chance = f1_of(want, _in_random_places(want))
        found = trained_until(
            model,
            seen,
            lambda some: _batch(tokenizer, some),
            f1,
            enough=chance + MARGIN,
            most_epochs=MOST_EPOCHS,
            least_epochs=LEAST_EPOCHS,
        )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return TrainedTagger(folder=folder, unseen=tuple(held_out), f1=found, chance=chance)


def labels_of(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> list[list[int]]:
    """Return each token's label: the first piece of a word of a kind begins it, the others go on with it."""
    rows = tokenizer(list(texts), truncation=True, max_length=TOKENS, return_offsets_mapping=True)
    found = []
    for text, places in zip(texts, rows["offset_mapping"], strict=True):
        begins = {match.start(): match for match in _WORD.finditer(text)}
        labels, kind = [], None
        for start, end in places:
            if start == end:
                labels.append(IGNORED)
                continue
            if start in begins:
                word = begins[start][0].casefold()
                kind = next((kind for kind, words in KINDS.items() if word in words.split()), None)
                labels.append(LABELS.index(f"B-{kind}") if kind else 0)
            else:
                inside = kind is not None and text[start:end].isalpha()
                labels.append(LABELS.index(f"I-{kind}") if inside else 0)
        found.append(labels)
    return found


def f1_of(want: Sequence[Sequence[int]], got: Sequence[Sequence[int]]) -> float:
    """Return the F1 of the entities in ``got``, where ``want`` has a label."""
    sides: tuple[list[frozenset[Entity]], list[frozenset[Entity]]] = ([], [])
    for right, answered in zip(want, got, strict=True):
        read = [place for place, label in enumerate(right) if label != IGNORED]
        for side, labels in zip(sides, (right, answered), strict=True):
            side.append(entities([LABELS[labels[place]] for place in read]))
    return f1_figure(*sides).value


def _in_random_places(want: list[list[int]]) -> list[list[int]]:
    """Return the same labels, but not where they belong."""
    rng = np.random.default_rng(0)
    shuffled = iter(rng.permutation([label for labels in want for label in labels if label != IGNORED]).tolist())
    return [[IGNORED if label == IGNORED else next(shuffled) for label in labels] for labels in want]


def _config(vocabulary: int) -> BertConfig:
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=512,
        hidden_dropout_prob=0.0,  # so small a model has nothing to spare
        attention_probs_dropout_prob=0.0,
        id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)},
    )


def _batch(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> dict[str, torch.Tensor]:
    rows = tokenizer(list(texts), padding=True, truncation=True, max_length=TOKENS, return_tensors="pt")
    width = rows["input_ids"].shape[1]
    labels = [row + [IGNORED] * (width - len(row)) for row in labels_of(tokenizer, texts)]
    return {
        "input_ids": rows["input_ids"],
        "attention_mask": rows["attention_mask"],
        "labels": torch.tensor(labels),
    }
