"""The original as it is loaded: weights and tokenizer of one model."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import BertModel

from modelyard.contract.choices import Task
from modelyard.contract.steps import BuildReason
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.description import describe
from modelyard_runtime.original import load_original
from tests.models.encoder import tiny_encoder


def test_a_tokenizer_of_a_larger_model_is_refused_with_the_fix(tmp_path: Path) -> None:
    folder = tiny_encoder(tmp_path, seed=1)
    model = BertModel.from_pretrained(folder)
    tokens = model.config.vocab_size
    model.resize_token_embeddings(tokens - 100)
    model.save_pretrained(folder)
    with pytest.raises(BuildFailed) as failed:
        load_original(folder, describe(folder, Task.AUTO), threads=1, most_tokens=64)
    assert failed.value.reason is BuildReason.SOURCE_INVALID
    for words in ("token id", f"vocab_size is {tokens - 100}", "upload the tokenizer that belongs to these weights"):
        assert words in str(failed.value)
