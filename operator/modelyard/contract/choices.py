"""What a model is for, and the ways to run it that a spec chooses among."""

from __future__ import annotations

from enum import StrEnum

from modelyard.contract.wire import Wire


class Task(StrEnum):
    """What a model is for; ``AUTO`` reads it from the model's own files."""

    AUTO = "Auto"
    EMBEDDING = "Embedding"
    CLASSIFICATION = "Classification"
    TOKEN_CLASSIFICATION = "TokenClassification"  # noqa: S105 - a task, no secret
    RERANKING = "Reranking"
    GENERATION = "Generation"
    SEQ2SEQ = "Seq2Seq"


class Engine(StrEnum):
    """What runs the converted graph."""

    AUTO = "Auto"
    ONNX_RUNTIME = "OnnxRuntime"
    OPENVINO = "OpenVINO"
    TENSORRT = "TensorRT"
    INDUCTOR = "Inductor"


class Precision(StrEnum):
    """The number format of the products and of the stored weights."""

    AUTO = "Auto"
    FP32 = "FP32"
    FP16 = "FP16"
    BF16 = "BF16"
    INT8 = "INT8"
    INT8_WEIGHTS = "INT8Weights"
    INT4_WEIGHTS = "INT4Weights"
    FP8 = "FP8"


class Objective(StrEnum):
    """By what ``Auto`` takes the fastest: batches of ``shapes.batch.opt``, or single requests."""

    THROUGHPUT = "Throughput"
    LATENCY = "Latency"


class Candidate(Wire):
    """One way to run the model."""

    engine: Engine
    precision: Precision


SUPPORTED_CANDIDATES: tuple[Candidate, ...] = (
    Candidate(engine=Engine.OPENVINO, precision=Precision.BF16),
    Candidate(engine=Engine.ONNX_RUNTIME, precision=Precision.INT8_WEIGHTS),
    Candidate(engine=Engine.OPENVINO, precision=Precision.FP32),
    Candidate(engine=Engine.ONNX_RUNTIME, precision=Precision.FP32),
)
"""What this version can build, the order in which ``Auto`` tries."""

SUPPORTED_TASKS: tuple[Task, ...] = (Task.EMBEDDING, Task.CLASSIFICATION, Task.TOKEN_CLASSIFICATION, Task.RERANKING)

INPUTS: tuple[str, ...] = ("input_ids", "attention_mask")
"""The tensors that every model reads, int64 [texts, tokens] each."""

TOKEN_TYPES = "token_type_ids"  # noqa: S105 - a tensor, no secret
"""The tensor that tells the texts of a pair apart, for models that learnt so: 0, and 1 for the second text."""
