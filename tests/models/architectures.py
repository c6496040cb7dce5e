"""A small random model of each architecture's real class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

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
OTHERS: dict[str, dict[str, Any]] = {
    "distilbert": {"vocab_size": VOCABULARY, "dim": 64, "n_layers": 2, "n_heads": 4, "hidden_dim": 128},
    "roberta": SIZES | {"pad_token_id": 1},
    "xlm-roberta": SIZES | {"pad_token_id": 1},
    "mpnet": SIZES | {"pad_token_id": 1},
}
"""Those whose configs have other words, or another padding."""


def small_model(folder: Path, model_type: str, task: Task, *, labels: int = 3) -> Path:
    """Write config and weights, as ``save_pretrained`` does. There is no tokenizer: it is asked token ids."""
    torch.manual_seed(0)
    config = AutoConfig.for_model(model_type, num_labels=labels, **OTHERS.get(model_type, SIZES))
    kind: Any = AutoModelForSequenceClassification if task is Task.CLASSIFICATION else AutoModel
    kind.from_config(config).save_pretrained(folder)
    return folder
