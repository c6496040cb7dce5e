"""A small random model of each architecture's real class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoModelForTokenClassification

from modelyard.contract.choices import Task

VOCABULARY = 200
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "max_position_embeddings": 70,
}
SPECIAL = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
OTHERS: dict[str, dict[str, Any]] = {
    "distilbert": {"vocab_size": VOCABULARY, "dim": 64, "n_layers": 2, "n_heads": 4, "hidden_dim": 128},
    "roberta": SIZES | {"pad_token_id": 1},
    "xlm-roberta": SIZES | {"pad_token_id": 1},
    "mpnet": SIZES | {"pad_token_id": 1},
    "modernbert": SIZES | SPECIAL | {"cls_token_id": 1, "sep_token_id": 2, "local_attention": 16},
    "qwen3": SIZES | SPECIAL | {"num_key_value_heads": 2, "head_dim": 16},
}
"""Those whose configs have other words, or another padding. ModernBERT looks no farther than 8 tokens to each side."""


CLASSES: dict[Task, Any] = {
    Task.EMBEDDING: AutoModel,
    Task.CLASSIFICATION: AutoModelForSequenceClassification,
    Task.TOKEN_CLASSIFICATION: AutoModelForTokenClassification,
}


SHALLOW = {"distilbert": {"n_layers": 1}, "modernbert": {}}
"""How a model with a head has one layer: its encoder is that of the embedder, and an export takes as long as it has
layers. Of ModernBERT's two, one looks everywhere and one nearby."""


def small_model(folder: Path, model_type: str, task: Task) -> Path:
    """Write config and weights, as ``save_pretrained`` does. There is no tokenizer: it is asked token ids."""
    torch.manual_seed(0)
    sizes = OTHERS.get(model_type, SIZES)
    if task is not Task.EMBEDDING:
        sizes = sizes | SHALLOW.get(model_type, {"num_hidden_layers": 1})
    config = AutoConfig.for_model(model_type, num_labels=3, **sizes)
    CLASSES[task].from_config(config).save_pretrained(folder)
    return folder
