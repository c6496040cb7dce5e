"""``config.pbtxt``: how Triton serves an artifact. The artifact itself doesn't hold it; a revision's ConfigMap does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from modelyard.contract.choices import Engine, Precision, Task

BACKEND = "modelyard"
OUTPUTS: Mapping[Task, str] = {Task.EMBEDDING: "embedding", Task.CLASSIFICATION: "logits"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TritonModel:
    """What a configuration says. ``warmup``: (texts, tokens) to run before the model is ready."""

    name: str
    task: Task
    engine: Engine
    precision: Precision
    instances: int
    threads: int
    max_batch_size: int
    queue_delay_microseconds: int
    queue_size: int
    warmup: tuple[tuple[int, int], ...]


def triton_config(model: TritonModel) -> str:
    """Return the text of config.pbtxt.

    Ragged batching is on, and the backend pads: without it requests of different lengths would each run alone.
    """
    lines = [
        f"name: {json.dumps(model.name)}",
        f'backend: "{BACKEND}"',
        f"max_batch_size: {model.max_batch_size}",
        *(_input(name) for name in ("input_ids", "attention_mask")),
        f'output {{ name: "{OUTPUTS[model.task]}" data_type: TYPE_FP32 dims: [ -1 ] }}',
        f"instance_group {{ kind: KIND_CPU count: {model.instances} }}",
        "dynamic_batching {",
        f"  max_queue_delay_microseconds: {model.queue_delay_microseconds}",
        f"  default_queue_policy {{ max_queue_size: {model.queue_size} }}",
        "}",
        _parameter("engine", model.engine),
        _parameter("precision", model.precision),
        _parameter("threads", str(model.threads)),
        _parameter("warmup", ",".join(f"{batch}x{sequence}" for batch, sequence in model.warmup)),
    ]
    return "\n".join(lines) + "\n"


def _input(name: str) -> str:
    return f'input {{ name: "{name}" data_type: TYPE_INT64 dims: [ -1 ] allow_ragged_batch: true }}'


def _parameter(key: str, value: str) -> str:
    return f'parameters {{ key: "{key}" value {{ string_value: {json.dumps(value)} }} }}'
