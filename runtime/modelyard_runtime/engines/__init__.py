"""The engines: one graph in, the files of a version folder out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from modelyard.contract.choices import SUPPORTED_CANDIDATES, Candidate, Engine, Precision
from modelyard.contract.report import Machine
from modelyard_runtime.machine import BF16_INSTRUCTIONS

FilesFromGraph: TypeAlias = Callable[[Path, Path], dict[str, int]]
"""Reads the exported graph at a path, writes the engine's files into a folder, and returns what its passes did."""

INSTRUCTIONS: Mapping[Candidate, tuple[str, ...]] = {
    Candidate(engine=Engine.OPENVINO, precision=Precision.BF16): BF16_INSTRUCTIONS,
}
"""What a candidate needs of the CPU: one of these. The others run everywhere."""


def builder_of(candidate: Candidate) -> FilesFromGraph | None:
    """Return how a candidate is built, None for one that this version can't build."""
    from modelyard_runtime.engines import onnxruntime, openvino

    builders: dict[tuple[Engine, Precision], FilesFromGraph] = {
        (Engine.ONNX_RUNTIME, Precision.FP32): onnxruntime.fp32_files,
        (Engine.ONNX_RUNTIME, Precision.INT8_WEIGHTS): onnxruntime.int8_weights_files,
        (Engine.OPENVINO, Precision.FP32): openvino.fp32_files,
        (Engine.OPENVINO, Precision.BF16): openvino.bf16_files,
    }
    return builders.get((candidate.engine, candidate.precision))


def refusal_of(candidate: Candidate, machine: Machine) -> str | None:
    """Return why a candidate can't be built or run on a machine, None if it can. Imports no engine."""
    if candidate not in SUPPORTED_CANDIDATES:
        return unsupported(candidate)
    needed = INSTRUCTIONS.get(candidate, ())
    if not needed or set(needed) & set(machine.instruction_sets):
        return None
    had = ", ".join(machine.instruction_sets) or "none of those that matter"
    return (
        f"{candidate.precision} needs one of {', '.join(needed)}, and this CPU ({machine.cpu}) has {had}: "
        "place builds and pods on nodes that have it, or ask for FP32, or OnnxRuntime with INT8Weights"
    )


def unsupported(candidate: Candidate) -> str:
    """Say that this version has no such candidate, and which it has."""
    known = ", ".join(f"{known.engine} at {known.precision}" for known in SUPPORTED_CANDIDATES)
    return f"{candidate.engine} at {candidate.precision} is not built by this version; it builds {known}"
