"""LoRA adapters merged into a model's weights by PEFT, which knows every variety of them.

PEFT takes an adapter of another model without a word and merges what happens to fit. Here every tensor of it has to
find its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from peft import LoraConfig, PeftModel, load_peft_weights, set_peft_model_state_dict
from peft.tuners.lora import LoraLayer

from modelyard.contract.steps import BuildReason
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.adapters import PREFIX, Adapter

ACTIVE = "default"
"""What PEFT calls the one adapter of a model."""
POOLER = f"{PREFIX}pooler."


def merged(model: torch.nn.Module, adapters: Sequence[Adapter], *, without_pooler: bool) -> torch.nn.Module:
    """Return the model with each adapter in its weights, in their order. Raises BuildFailed (SourceInvalid).

    without_pooler: the model was loaded without its pooler, so that what an adapter has for that is left out.
    """
    for adapter in adapters:
        model = _merged(model, adapter, without_pooler=without_pooler)
    return model


def _merged(model: torch.nn.Module, adapter: Adapter, *, without_pooler: bool) -> torch.nn.Module:
    weights = load_peft_weights(str(adapter.folder), device="cpu")
    if without_pooler:
        weights = {name: value for name, value in weights.items() if not name.startswith(POOLER)}
    _check(adapter, weights)
    try:
        # No class of a task: those add layers of their own to what the adapter says it changes.
        adapted = PeftModel(model, LoraConfig.from_pretrained(str(adapter.folder)), autocast_adapter_dtype=False)
        placed: Any = set_peft_model_state_dict(adapted, weights)
        _check_places(adapter, model, placed.unexpected_keys, placed.missing_keys)
        for module in adapted.modules():
            if isinstance(module, LoraLayer) and ACTIVE in module.scaling:  # scale_layer leaves embeddings out
                module.scaling[ACTIVE] *= adapter.scale
        whole: torch.nn.Module = adapted.merge_and_unload()
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise _does_not_fit(adapter, model, " ".join(str(error).split())) from error
    return whole


def _check_places(adapter: Adapter, model: torch.nn.Module, strangers: Sequence[str], lacking: Sequence[str]) -> None:
    """Raise BuildFailed for tensors that the model has no place for, and for places without one."""
    if strangers:
        first = min(strangers)
        raise _does_not_fit(
            adapter, model, f"it has no place for {len(strangers)} of the adapter's tensors, {first} first"
        )
    own = sorted(name for name in lacking if ACTIVE in name.split("."))
    if own:
        raise _does_not_fit(
            adapter, model, f"the adapter lacks {len(own)} tensors that its config asks for, {own[0]} first"
        )


def _check(adapter: Adapter, weights: dict[str, torch.Tensor]) -> None:
    """Raise BuildFailed for weights that are no numbers, or that change nothing."""
    broken = sorted(name for name, value in weights.items() if not torch.isfinite(value).all())
    if broken:
        problem = f"{len(broken)} of its tensors hold what is no number, {broken[0]} first: train it anew"
        raise BuildFailed(BuildReason.SOURCE_INVALID, f"adapter {adapter.name}: {problem}")
    if not any(value.any() for name, value in weights.items() if _starts_at_zero(name)):
        problem = "it changes nothing, as one that was never trained: name the one that was saved after training"
        raise BuildFailed(BuildReason.SOURCE_INVALID, f"adapter {adapter.name}: {problem}")


def _starts_at_zero(name: str) -> bool:
    """Return whether a tensor is zero before training; of those that an adapter brings whole nobody knows."""
    return ".lora_" not in name or ".lora_B." in name or ".lora_embedding_A" in name


def _does_not_fit(adapter: Adapter, model: torch.nn.Module, why: str) -> BuildFailed:
    base = adapter.config.get("base_model_name_or_path") or "a model that it does not name"
    fix = f"name the model that it was trained on as the source ({base}), and train it on {type(model).__name__}"
    return BuildFailed(BuildReason.SOURCE_INVALID, f"adapter {adapter.name} does not fit this model: {why}; {fix}")
