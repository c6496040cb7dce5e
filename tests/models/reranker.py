"""A tiny BERT that scores how well a passage fits a question's topic, trained here until it beats chance."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from transformers import BertForSequenceClassification, PreTrainedTokenizerFast

from tests.models.classifier import HELD_OUT, SOURCES, Trained
from tests.models.documentation import paragraphs
from tests.models.training import FINE_RATE, one_thread, trained_until

QUESTIONS = {
    "turtle": ("how do I draw with the turtle", "move the pen on the screen", "what shape and colour has a turtle"),
    "mail": ("how is a message sent by mail", "read the header of an email", "add an attachment to a message"),
}
"""What is asked about two topics of the classifier that this model starts from."""
CHANCE = 1 / len(QUESTIONS)
MARGIN = 0.45
"""By how much more than chance the fitting passage must come first, of one of each topic, none of them seen before."""
TOKENS = 48
LEAST_EPOCHS, MOST_EPOCHS = 4, 20
"""After one its scores are right but close together, and rounding weighs the more."""


class Pair(NamedTuple):
    """A question and a passage. ``kind`` counts topics: the question's, times how many there are, and the passage's."""

    question: str
    passage: str
    kind: int

    @property
    def fits(self) -> bool:
        """Return whether both are of one topic."""
        asked, own = divmod(self.kind, len(QUESTIONS))
        return asked == own


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedReranker:
    """Where the reranker is, questions with passages of which the first fits, and how often it puts that one first."""

    folder: Path
    unseen: tuple[tuple[str, tuple[str, ...]], ...]
    first: float


def trained_reranker(folder: Path, start: Trained) -> TrainedReranker:
    """Train one and write it. Fails if it has not learnt after ``MOST_EPOCHS``.

    start: the classifier that knows the topics of passages. Which topics a pair is of is learnt next, and only then
    whether they are one: learnt at once that is an exclusive or, and whether training ever leaves chance hangs on the
    rounding of the CPU.
    """
    every = {topic: paragraphs(SOURCES[topic]) for topic in QUESTIONS}
    count = min(map(len, every.values()))  # fewer are learnt by heart: what was not seen then hangs on the CPU
    seen, unseen = {}, {}
    for topic in QUESTIONS:
        passages = random.Random(1).sample(every[topic], count)
        unseen[topic], seen[topic] = passages[::HELD_OUT], [p for i, p in enumerate(passages) if i % HELD_OUT]
    asked = _asked(unseen)
    with one_thread():
        tokenizer = PreTrainedTokenizerFast.from_pretrained(start.folder)
        kinds = len(QUESTIONS) ** 2
        model = _with_outputs(kinds, start.folder)
        held_out = _pairs(unseen)

        def told_apart() -> float:
            answers = model(**_tensors_of(tokenizer, held_out)).logits.argmax(dim=1)
            return float((answers == torch.tensor([pair.kind for pair in held_out])).float().mean())

        trained_until(
            model,
            _pairs(seen),
            lambda some: _tensors_of(tokenizer, some) | {"labels": torch.tensor([pair.kind for pair in some])},
            told_apart,
            enough=1 / kinds + MARGIN,
            most_epochs=MOST_EPOCHS,
            rate=FINE_RATE,
        )
        model.save_pretrained(folder)
        model = _with_outputs(1, folder)
        model.config.problem_type = "multi_label_classification"  # one label, with the loss of cross-encoders

        def first() -> float:
            scores = [model(**tensors(tokenizer, [(question, one) for one in some])).logits for question, some in asked]
            return sum(float(of_one.argmax() == 0) for of_one in scores) / len(scores)

        share = trained_until(
            model,
            _pairs(seen),
            lambda some: _tensors_of(tokenizer, some) | {"labels": torch.tensor([[float(pair.fits)] for pair in some])},
            first,
            enough=CHANCE + MARGIN,
            most_epochs=MOST_EPOCHS,
            least_epochs=LEAST_EPOCHS,
            rate=FINE_RATE,
        )
    model.config.problem_type = None  # as cross-encoders are saved
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return TrainedReranker(folder=folder, unseen=asked, first=share)


def _with_outputs(count: int, folder: Path) -> BertForSequenceClassification:
    """Return the model of a folder with a new head of ``count`` outputs."""
    return BertForSequenceClassification.from_pretrained(folder, num_labels=count, ignore_mismatched_sizes=True)


def _asked(unseen: dict[str, list[str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return questions, each with a passage that fits and one of each other topic."""
    return tuple(
        (
            questions[place % len(questions)],
            (unseen[topic][place], *(unseen[o][place] for o in QUESTIONS if o != topic)),
        )
        for topic, questions in QUESTIONS.items()
        for place in range(min(map(len, unseen.values())))
    )


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


def _tensors_of(tokenizer: PreTrainedTokenizerFast, pairs: Sequence[Pair]) -> dict[str, torch.Tensor]:
    return tensors(tokenizer, [(pair.question, pair.passage) for pair in pairs])


def _pairs(passages: dict[str, list[str]]) -> list[Pair]:
    """Return each passage with a question of each topic."""
    rng = random.Random(2)
    topics = list(QUESTIONS)
    return [
        Pair(rng.choice(QUESTIONS[asked]), passage, topics.index(asked) * len(topics) + topics.index(topic))
        for topic, own in passages.items()
        for passage in own
        for asked in QUESTIONS
    ]
