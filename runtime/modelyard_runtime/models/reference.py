"""The original: the model in PyTorch at fp32, with pooling and normalisation, as its own files say."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from transformers.utils import logging as transformers_logging

from modelyard.contract.choices import TOKEN_TYPES, Task
from modelyard.contract.steps import BuildReason
from modelyard_runtime.backend.rows import Answers, Batch, padded
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.adapters import Adapter, brought_by
from modelyard_runtime.models.description import Description, Pooling
from modelyard_runtime.tokens import Encoded, rows_of_answers

BATCH_TOKENS = 1024
"""Tokens of a batch of the original, padding included: sorted by length, so that little is padded."""

_NORM = re.compile(r"norm\.(weight|bias)$", re.IGNORECASE)


class Reference(torch.nn.Module):
    """(input_ids, attention_mask, perhaps token_type_ids), int64 [B, T] each -> float32 [B, size] or [B, T, size]."""

    def __init__(self, model: torch.nn.Module, description: Description) -> None:
        """Wrap a loaded model, in evaluation mode: a wrapper in train mode would put dropout into the export."""
        super().__init__()
        self.model = model
        self.description = description
        self.eval()

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return embeddings or logits."""
        types = {} if token_type_ids is None else {TOKEN_TYPES: token_type_ids}
        answer = self.model(input_ids=input_ids, attention_mask=attention_mask, **types)
        if self.description.task is not Task.EMBEDDING:
            logits: torch.Tensor = answer.logits
            return logits
        pooled = _pooled(answer.last_hidden_state, attention_mask, self.description.pooling or Pooling.MEAN)
        return F.normalize(pooled, dim=1) if self.description.normalized else pooled

    def answers(self, texts: Sequence[Encoded]) -> Answers:
        """Return the answers to texts in the order given: a row a text, or a token where each has an answer."""
        answers: dict[int, Answers] = {}
        for batch in _batches([len(text) for text in texts]):
            rows = [texts[i].tensors(self.description.inputs) for i in batch]
            answers.update(zip(batch, self.answer(padded(rows, self.description.pad_token)), strict=True))
        return rows_of_answers(texts, [answers[i] for i in range(len(texts))])

    def answer(self, batch: Batch) -> Answers:
        """Return the answers of one padded batch, float32 [B, size], of tokens [B, T, size]."""
        with torch.inference_mode():
            result: Answers = self(**{name: torch.from_numpy(tensor) for name, tensor in batch.items()}).numpy()
        return result

    @property
    def trained(self) -> bool:
        """Return whether there is any trace of training: normalisations start at 1 and 0 and don't stay there."""
        state = {name: value for name, value in self.state_dict().items() if _NORM.search(name)}
        fresh = (torch.all(value == (1.0 if name.endswith("weight") else 0.0)) for name, value in state.items())
        return not (state and all(map(bool, fresh)))


def load_reference(folder: Path, description: Description, adapters: Sequence[Adapter] = ()) -> Reference:
    """Load the weights, and merge adapters into them.

    Raises BuildFailed (SourceInvalid) if they aren't those that config.json describes, or an adapter doesn't fit.
    """
    family = description.family
    transformers_logging.set_verbosity_error()  # what it would tell of the weights is checked below
    transformers_logging.disable_progress_bar()
    module = importlib.import_module(family.module)
    kind = getattr(module, description.model_class)
    without_pooler = description.task is Task.EMBEDDING and family.pooler
    options: dict[str, Any] = {"add_pooling_layer": False} if without_pooler else {}
    brought = brought_by(adapters)
    if brought:
        # The head that is in the files may be of another size: the adapter's takes its place.
        options |= {"num_labels": description.size, "ignore_mismatched_sizes": True}
    try:
        model, info = kind.from_pretrained(
            folder,
            local_files_only=True,
            dtype=torch.float32,
            attn_implementation=family.attention,
            weights_only=True,  # a pickled file may hold weights, never code
            output_loading_info=True,
            **options,
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise BuildFailed(BuildReason.SOURCE_INVALID, f"the weights can't be loaded: {error}") from error
    unlike = {str(entry[0]) for entry in info["mismatched_keys"]}
    missing = sorted(set(info["missing_keys"]) - brought) + sorted(unlike - brought)
    if missing:
        raise BuildFailed(
            BuildReason.SOURCE_INVALID,
            f"the weights lack {len(missing)} tensors that config.json describes, {missing[0]} first: "
            "are they of another model, or of one without its head?",
        )
    if adapters:
        from modelyard_runtime.models.merging import merged  # PEFT, which a build without an adapter never needs

        model = merged(model, adapters, without_pooler=without_pooler)
    model.config.use_cache = False  # a text is asked once: what a decoder keeps for the next token is for nothing
    return Reference(model, description)


def _pooled(states: torch.Tensor, mask: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    """Return one vector a text. states: [B, T, D]; mask: [B, T]; returns [B, D]."""
    if pooling is Pooling.CLS:
        return states[:, 0]
    if pooling is Pooling.LAST:
        last = (mask * mask.cumsum(dim=1)).argmax(dim=1)  # [B]
        return states[torch.arange(len(states)), last]
    present = mask.unsqueeze(-1).to(states.dtype)  # [B, T, 1]
    if pooling is Pooling.MAX:
        return states.masked_fill(present == 0, torch.finfo(states.dtype).min).amax(dim=1)
    return (states * present).sum(dim=1) / present.sum(dim=1).clamp(min=1e-9)


def _batches(lengths: list[int]) -> list[list[int]]:
    """Return indices in batches of at most BATCH_TOKENS tokens (padded), longest first."""
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= BATCH_TOKENS:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches
