"""What PyTorch answers: the original model, in float32, one text at a time (so nothing is padded)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

Tokens = dict[str, NDArray[np.int64]]
"""``input_ids`` and ``attention_mask``, each int64 (1, sequence)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceEncoder:
    """The model of a folder and its tokenizer; pooling and normalisation as the folder's own files say."""

    tokenizer: Any
    model: torch.nn.Module
    mean_pooling: bool
    normalised: bool
    longest: int

    def tokens(self, text: str) -> Tokens:
        """Return the text as the model reads it."""
        encoded = self.tokenizer(text, truncation=True, max_length=self.longest, return_tensors="np")
        return {name: encoded[name].astype(np.int64) for name in ("input_ids", "attention_mask")}

    @torch.inference_mode()
    def embedding(self, tokens: Tokens) -> NDArray[np.float32]:
        """Return the embedding of one text, float32 (hidden,)."""
        hidden = self.model(**{name: torch.from_numpy(ids) for name, ids in tokens.items()}).last_hidden_state
        pooled = hidden[0].mean(0) if self.mean_pooling else hidden[0, 0]
        pooled = torch.nn.functional.normalize(pooled, dim=0) if self.normalised else pooled
        array: NDArray[np.float32] = pooled.numpy()
        return array

    def embeddings(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 (texts, hidden)."""
        return np.stack([self.embedding(self.tokens(text)) for text in texts])


def sentence_encoder(folder: Path) -> SentenceEncoder:
    """Load the model of ``folder``; nothing is looked up elsewhere."""
    disable_progress_bar()
    pooling = json.loads((folder / "1_Pooling" / "config.json").read_text())
    modules = json.loads((folder / "modules.json").read_text())
    limits = json.loads((folder / "sentence_bert_config.json").read_text())
    return SentenceEncoder(
        tokenizer=AutoTokenizer.from_pretrained(folder, local_files_only=True),
        model=AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval(),
        mean_pooling=pooling["pooling_mode_mean_tokens"],
        normalised=any(module["type"].endswith("Normalize") for module in modules),
        longest=limits["max_seq_length"],
    )


def cosines(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the cosine of each row of ``left`` with the same row of ``right``: float64 (rows,)."""
    a, b = left.astype(np.float64), right.astype(np.float64)
    norms = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    result: NDArray[np.float64] = (a * b).sum(axis=-1) / norms
    return result
