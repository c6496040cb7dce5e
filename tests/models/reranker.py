"""A tiny BERT that scores how well a passage fits a question's topic, trained here until it beats chance."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import torch
from transformers import BertForSequenceClassification, PreTrainedTokenizerFast

from tests.models.classifier import HELD_OUT, SOURCES, Trained
from tests.models.documentation import paragraphs
from tests.models.training import one_thread, trained_until

QUESTIONS = {
    "turtle": ("how do I draw with the turtle", "move the pen on the screen", "what shape and colour has a turtle"),
    "mail": ("how is a message sent by mail", "read the header of an email", "add an attachment to a message"),
}
"""What is asked about two topics of the classifier that this model starts from."""
CHANCE = 1 / len(QUESTIONS)
MARGIN = 0.45
"""By how much more than chance the fitting passage must come first, of one of each topic, none of them seen before."""
TOKENS = 48
MOST_EPOCHS = 20

Pair: TypeAlias = tuple[str, str, float]
"""A question, a passage, and 1 where they are of one topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedReranker:
    """Where the reranker is, questions with passages of which the first fits, and how often it puts that one first."""

    folder: Path
    unseen: tuple[tuple[str, tuple[str, ...]], ...]
    first: float


def trained_reranker(folder: Path, start: Trained) -> TrainedReranker:
    """Train one and write it. Fails if it has not learnt after ``MOST_EPOCHS``.

    start: the classifier that knows the topics of passages; what is left to learn is to compare them.
    """
    seen, unseen = {}, {}
    every = {topic: paragraphs(SOURCES[topic]) for topic in QUESTIONS}
    count = min(map(len, every.values()))  # fewer are learnt by heart: what was not seen then hangs on the CPU
    for topic in QUESTIONS:
        passages = random.Random(1).sample(every[topic], count)
        unseen[topic], seen[topic] = passages[::HELD_OUT], [p for i, p in enumerate(passages) if i % HELD_OUT]
    asked = tuple(
        (
            questions[place % len(questions)],
            (unseen[topic][place], *(unseen[o][place] for o in QUESTIONS if o != topic)),
        )
        for topic, questions in QUESTIONS.items()
        for place in range(min(map(len, unseen.values())))
    )
    with one_thread():
        tokenizer = PreTrainedTokenizerFast.from_pretrained(start.folder)
        model = BertForSequenceClassification.from_pretrained(
            start.folder,
            id2label={0: "LABEL_0"},
            label2id={"LABEL_0": 0},
            ignore_mismatched_sizes=True,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        model.config.problem_type = "multi_label_classification"  # one label, with the loss of cross-encoders

        def batch_of(pairs: Sequence[Pair]) -> dict[str, torch.Tensor]:
            labels = torch.tensor([[fits] for _, _, fits in pairs])
            return tensors(tokenizer, [(question, passage) for question, passage, _ in pairs]) | {"labels": labels}

        def first() -> float:
            scores = [model(**tensors(tokenizer, [(question, one) for one in some])).logits for question, some in asked]
            return sum(float(of_one.argmax() == 0) for of_one in scores) / len(scores)

        share = trained_until(model, _pairs(seen), batch_of, first, enough=CHANCE + MARGIN, most_epochs=MOST_EPOCHS)
    model.config.problem_type = None  # as cross-encoders are saved
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return TrainedReranker(folder=folder, unseen=asked, first=share)


def tensors(tokenizer: PreTrainedTokenizerFast, pairs: Sequence[tuple[str, str]]) -> dict[str, torch.Tensor]:
    """Return pairs as the model reads them, token types included."""
    questions, passages = zip(*pairs, strict=True)
    rows = tokenizer(
        list(questions),
        list(passages),
        padding=True,
        truncation=True,
        max_length=TOKENS,
        return_token_type_ids=True,
        return_tensors="pt",
    )
    return {name: rows[name] for name in ("input_ids", "attention_mask", "token_type_ids")}


def _pairs(passages: dict[str, list[str]]) -> list[Pair]:
    """Return each passage with a question of each topic."""
    rng = random.Random(2)
    return [
        (rng.choice(QUESTIONS[asked]), passage, float(asked == topic))
        for topic, own in passages.items()
        for passage in own
        for asked in QUESTIONS
    ]
