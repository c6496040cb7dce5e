"""``config.pbtxt``: how Triton serves an artifact. The artifact itself doesn't hold it; a revision's ConfigMap does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from modelyard.contract.choices import TOKEN_TYPES, Engine, Precision, Task

BACKEND = "modelyard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """The tensor of an answer. ``dims``: its sizes but for the batch, -1 where Triton needn't know."""

    name: str
    dims: tuple[int, ...] = (-1,)


OUTPUTS: Mapping[Task, Output] = {
    Task.EMBEDDING: Output(name="embedding"),
    Task.CLASSIFICATION: Output(name="logits"),
    Task.TOKEN_CLASSIFICATION: Output(name="logits", dims=(-1, -1)),
    Task.RERANKING: Output(name="logits", dims=(1,)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TritonModel:
    """What a configuration says. ``warmup``: (texts, tokens) to run before the model is ready."""

    name: str
    task: Task
    inputs: tuple[str, ...]
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
    output = OUTPUTS[model.task]
    lines = [
        f"name: {json.dumps(model.name)}",
        f'backend: "{BACKEND}"',
        f"max_batch_size: {model.max_batch_size}",
        *(_input(name, model.task) for name in model.inputs),
        f'output {{ name: "{output.name}" data_type: TYPE_FP32 dims: [ {", ".join(map(str, output.dims))} ] }}',
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


def _input(name: str, task: Task) -> str:
    """Return one input. A single text is the first of a pair, so only those who always read pairs must be told."""
    optional = " optional: true" if name == TOKEN_TYPES and task is not Task.RERANKING else ""
    return f"input {{ name: {json.dumps(name)} data_type: TYPE_INT64 dims: [ -1 ] allow_ragged_batch: true{optional} }}"


def _parameter(key: str, value: str) -> str:
    return f'parameters {{ key: "{key}" value {{ string_value: {json.dumps(value)} }} }}'
