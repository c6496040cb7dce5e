"""The original and the texts it is asked: its answers are what every candidate is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from modelyard.contract.choices import Task
from modelyard.contract.steps import BuildReason
from modelyard_runtime.backend.rows import Answers
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.adapters import Adapter
from modelyard_runtime.models.description import Description
from modelyard_runtime.models.reference import Reference, load_reference
from modelyard_runtime.text.named import NAMED
from modelyard_runtime.text.pairs import built_in_pairs, with_halves
from modelyard_runtime.text.selection import Asked, Texts, built_in_texts
from modelyard_runtime.tokens import Encoded, encoded, load_tokenizer


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Texts, and the original's answers to them, float32 [rows, size]: a row a text, or a token of each in turn."""

    texts: list[Encoded]
    answers: Answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The loaded original, and what it is asked. No text is in two of ``proving``, ``selecting`` and ``extremes``.

    ``replayed`` are built-in texts, whoever's the others are: golden samples are pushed, and a user's text never is.
    """

    reference: Reference
    description: Description
    dataset: str
    proving: list[Encoded]
    selecting: list[Encoded]
    extremes: list[Encoded]
    replayed: list[Encoded]

    def sample(self, texts: list[Encoded]) -> Sample:
        """Ask the original."""
        return Sample(texts=texts, answers=self.reference.answers(texts))

    @property
    def trained(self) -> bool:
        """Return whether there is any trace of training."""
        return self.reference.trained


def load_original(
    folder: Path,
    description: Description,
    *,
    threads: int,
    most_tokens: int,
    yours: Texts[str] | None = None,
    adapters: Sequence[Adapter] = (),
) -> Original:
    """Load weights and tokenizer, cutting texts at ``most_tokens``. Raises BuildFailed.

    yours: the user's texts, asked instead of the built-in ones; adapters: what is merged into the weights.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    reference = load_reference(folder, description, adapters)
    tokenizer = load_tokenizer(folder, min(most_tokens, description.token_limit))
    built_in = texts_for(description)
    texts = asked_of(description, yours) if yours else built_in
    return Original(
        reference=reference,
        description=description,
        dataset=texts.dataset,
        proving=_known(encoded(tokenizer, texts.proving), description.vocabulary),
        selecting=_known(encoded(tokenizer, texts.selecting), description.vocabulary),
        replayed=_known(encoded(tokenizer, built_in.selecting), description.vocabulary),
        extremes=[text for text in _known(encoded(tokenizer, texts.extremes), description.vocabulary) if len(text)],
    )


def texts_for(description: Description) -> Texts[str] | Texts[Asked]:
    """Return the built-in texts that a model of this kind is asked."""
    if description.task is Task.RERANKING:
        return built_in_pairs()
    return asked_of(description, built_in_texts(*(NAMED if description.task is Task.TOKEN_CLASSIFICATION else ())))


def asked_of(description: Description, texts: Texts[str]) -> Texts[str] | Texts[Asked]:
    """Return the texts as a model of this kind is asked them: some as pairs, if it tells those apart."""
    return with_halves(texts) if description.token_types else texts


def _known(texts: list[Encoded], vocabulary: int) -> list[Encoded]:
    """Return ``texts``. Raises BuildFailed (SourceInvalid) for a token that the model has no embedding for."""
    highest = max(int(text.ids.max()) for text in texts if len(text))
    if highest >= vocabulary:
        raise BuildFailed(
            BuildReason.SOURCE_INVALID,
            f"the tokenizer gives token id {highest}, and config.json's vocab_size is {vocabulary}: "
            "upload the tokenizer that belongs to these weights",
        )
    return texts
