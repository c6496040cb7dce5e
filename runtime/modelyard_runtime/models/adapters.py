"""LoRA adapters as PEFT saves them: read and checked without their weights. ``merging`` puts them into a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.contract.request import AdapterFiles
from modelyard.contract.steps import BuildReason
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.folder import TensorInfo, read_json, tensors_of

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PREFIX = "base_model.model."
"""What PEFT puts before the names of the model that it adapts."""
LORA = "LORA"
HEADS = (".classifier.weight", ".score.weight", ".classifier.out_proj.weight")
"""How the last tensor of a head's is called, [outputs, hidden], in one family or another."""
CHANGES_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Ways to begin that take something out of the model's weights: what was trained then fits no other weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One adapter. ``tensors``: what its file's header says, under PEFT's names."""

    name: str
    scale: float
    folder: Path
    config: dict[str, Any]
    tensors: tuple[TensorInfo, ...]

    @property
    def brings(self) -> frozenset[str]:
        """Return the model's own tensors that it has whole, a head's say, by the model's names."""
        return frozenset(t.name.removeprefix(PREFIX) for t in self.tensors if ".lora_" not in t.name)

    @property
    def head_outputs(self) -> int | None:
        """Return how many outputs the head has that it brings, None if it brings none."""
        found = (t.shape[0] for t in self.tensors if t.name.endswith(HEADS) and ".lora_" not in t.name and t.shape)
        return next(found, None)


def read_adapters(folder: Path, asked: Sequence[AdapterFiles]) -> tuple[Adapter, ...]:
    """Return the adapters that lie in ``folder``, each below its name. Raises BuildFailed (SourceInvalid)."""
    return tuple(read_adapter(folder / one.name, one.name, one.scale) for one in asked)


def read_adapter(folder: Path, name: str, scale: float = 1.0) -> Adapter:
    """Return an adapter. Raises BuildFailed (SourceInvalid) for what is no whole LoRA adapter."""
    config = read_json(folder, CONFIG)
    if config is None:
        raise _invalid(name, f"there is no {CONFIG}: name the folder that PEFT's save_pretrained wrote")
    kind, start = str(config.get("peft_type")), str(config.get("init_lora_weights", ""))
    if kind != LORA:
        raise _invalid(name, f"it is of PEFT's type {kind}, and only {LORA} is merged: leave it out of mergeAdapters")
    if start.lower().startswith(CHANGES_BASE):
        raise _invalid(
            name,
            f"it began as {start}, which changed the model's own weights: save it anew with PEFT's "
            "save_pretrained(..., path_initial_model_for_weight_conversion=...), which makes it fit the original ones",
        )
    if not (folder / WEIGHTS).is_file():
        raise _invalid(name, f"there is no {WEIGHTS}: load it with PEFT and save it with save_pretrained")
    return Adapter(name=name, scale=scale, folder=folder, config=config, tensors=tuple(tensors_of(folder / WEIGHTS)))


def brought_by(adapters: Sequence[Adapter]) -> frozenset[str]:
    """Return the model's own tensors that adapters bring. Raises BuildFailed if two bring the same."""
    seen: dict[str, str] = {}
    for adapter in adapters:
        for name in sorted(adapter.brings):
            if name in seen:
                raise _invalid(adapter.name, f"it brings {name} whole, and so does {seen[name]}: merge one of them")
            seen[name] = adapter.name
    return frozenset(seen)


def _invalid(name: str, problem: str) -> BuildFailed:
    return BuildFailed(BuildReason.SOURCE_INVALID, f"adapter {name}: {problem}")
