"""The model's own tokenizer: text in, token ids out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from modelyard.contract.steps import BuildReason
from modelyard_runtime.backend.rows import Tokens
from modelyard_runtime.errors import BuildFailed


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


def token_ids(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Tokens]:
    """Return each text's token ids, int64 [tokens], special tokens included, without padding."""
    return [np.array(encoding.ids, dtype=np.int64) for encoding in tokenizer.encode_batch(list(texts))]


def _converted(folder: Path) -> Tokenizer:
    from transformers import AutoTokenizer

    found: Tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True).backend_tokenizer
    return found
