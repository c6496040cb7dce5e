"""The model's own tokenizer: text in, token ids out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from modelyard.contract.steps import BuildReason
from modelyard_runtime.backend.rows import IDS, MASK, TYPES, Answers, Text, Tokens
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.text.selection import Asked


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Encoded:
    """A text, or a pair of texts, as the model reads it, without padding. Each of ``tokens`` numbers.

    types: 0, and 1 for the second text of a pair; added: whether the tokenizer put the token there, not the text.
    """

    ids: Tokens
    types: Tokens
    added: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.ids)

    @classmethod
    def of(cls, ids: Tokens) -> Self:
        """Return a single text of these tokens, none of them added."""
        return cls(ids=ids, types=np.zeros_like(ids), added=np.zeros(len(ids), dtype=np.bool_))

    def tensors(self, inputs: Iterable[str]) -> Text:
        """Return the tensors of these names."""
        every = {IDS: self.ids, MASK: np.ones_like(self.ids), TYPES: self.types}
        return {name: every[name] for name in inputs}


def rows_of_answers(texts: Sequence[Encoded], answers: Iterable[Answers]) -> Answers:
    """Return answers to texts as rows, float32 [rows, size]: one a text, or one a token of each text in turn.

    answers: [size] a text, or [tokens, size] a text, where what was padded may follow.
    """
    found = [answer if answer.ndim == 1 else answer[: len(text)] for text, answer in zip(texts, answers, strict=True)]
    return np.stack(found) if found[0].ndim == 1 else np.concatenate(found)


def load_tokenizer(folder: Path, token_limit: int) -> Tokenizer:
    """Return the tokenizer, cutting texts at ``token_limit`` tokens and padding nothing.

    ``tokenizer.json`` is read as it is; older files are converted by transformers, which takes a second more.
    """
    path = folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(path)) if path.is_file() else _converted(folder)
    except (OSError, ValueError, ImportError) as error:
        raise BuildFailed(BuildReason.SOURCE_INVALID, f"the tokenizer can't be loaded: {error}") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(token_limit)
    return tokenizer


def encoded(tokenizer: Tokenizer, texts: Sequence[Asked]) -> list[Encoded]:
    """Return texts and pairs as the model reads them, special tokens included, without padding."""
    return [
        Encoded(
            ids=np.array(encoding.ids, dtype=np.int64),
            types=np.array(encoding.type_ids, dtype=np.int64),
            added=np.array(encoding.special_tokens_mask, dtype=np.bool_),
        )
        for encoding in tokenizer.encode_batch(list(texts))
    ]


def _converted(folder: Path) -> Tokenizer:
    from transformers import AutoTokenizer

    found: Tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True).backend_tokenizer
    return found
