"""Small LoRA adapters of PEFT's, with weights as if they were trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModel, AutoModelForSequenceClassification

HEADED = "SEQ_CLS"


def save_adapter(base: Path, folder: Path, *, seed: int = 0, labels: int = 0, **config: Any) -> PeftModel:
    """Write an adapter of the model in ``base``, and return the adapted model, nothing merged, in evaluation mode.

    labels: it brings the head of a classifier of so many, and else adapts the encoder alone; config: LoraConfig's
    fields, by default those of the attention's queries and values.
    """
    torch.manual_seed(seed)
    if labels:
        model = AutoModelForSequenceClassification.from_pretrained(
            base, num_labels=labels, ignore_mismatched_sizes=True
        )
        config = {"task_type": HEADED} | config
    else:
        model = AutoModel.from_pretrained(base)
    fields: dict[str, Any] = {"r": 4, "target_modules": ["query", "value"]} | config
    adapted = get_peft_model(model, LoraConfig(**fields))
    with torch.no_grad():
        for name, value in adapted.named_parameters():
            if "lora_B" in name or "lora_embedding_A" in name or "modules_to_save" in name:
                value.normal_(0, 0.2)
    adapted.eval()
    adapted.save_pretrained(str(folder))
    assert isinstance(adapted, PeftModel)
    return adapted
