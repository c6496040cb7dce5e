"""The original and the texts it is asked: its answers are what every candidate is held against."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch

from modelyard.contract.steps import BuildReason
from modelyard_runtime.backend.rows import Tokens
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.description import Description
from modelyard_runtime.models.reference import Reference, load_reference
from modelyard_runtime.parity import Answers
from modelyard_runtime.text.selection import built_in_texts
from modelyard_runtime.tokens import load_tokenizer, token_ids

_NORM = re.compile(r"(LayerNorm|layer_norm)\.(weight|bias)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Texts as token ids, and the original's answers to them, float32 [texts, size]."""

    texts: list[Tokens]
    answers: Answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The loaded original. ``proving``, ``selecting`` and ``extremes`` are token ids; none is in two of them."""

    reference: Reference
    description: Description
    dataset: str
    proving: list[Tokens]
    selecting: list[Tokens]
    extremes: list[Tokens]

    def sample(self, texts: list[Tokens]) -> Sample:
        """Ask the original."""
        return Sample(texts=texts, answers=self.reference.answers(texts))

    @property
    def trained(self) -> bool:
        """Return whether there is any trace of training: normalisations start at 1 and 0 and don't stay there."""
        state = {name: value for name, value in self.reference.state_dict().items() if _NORM.search(name)}
        fresh = (torch.all(value == (1.0 if name.endswith("weight") else 0.0)) for name, value in state.items())
        return not (state and all(map(bool, fresh)))


def load_original(folder: Path, description: Description, *, threads: int, most_tokens: int) -> Original:
    """Load weights and tokenizer, cutting texts at ``most_tokens``. Raises BuildFailed."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    reference = load_reference(folder, description)
    tokenizer = load_tokenizer(folder, min(most_tokens, description.token_limit))
    texts = built_in_texts()
    return Original(
        reference=reference,
        description=description,
        dataset=texts.dataset,
        proving=_known(token_ids(tokenizer, texts.proving), description.vocabulary),
        selecting=_known(token_ids(tokenizer, texts.selecting), description.vocabulary),
        extremes=[ids for ids in _known(token_ids(tokenizer, texts.extremes), description.vocabulary) if len(ids)],
    )


def _known(texts: list[Tokens], vocabulary: int) -> list[Tokens]:
    """Return ``texts``. Raises BuildFailed (SourceInvalid) for a token that the model has no embedding for."""
    highest = max(int(ids.max()) for ids in texts if len(ids))
    if highest >= vocabulary:
        raise BuildFailed(
            BuildReason.SOURCE_INVALID,
            f"the tokenizer gives token id {highest}, and config.json's vocab_size is {vocabulary}: "
            "upload the tokenizer that belongs to these weights",
        )
    return texts
