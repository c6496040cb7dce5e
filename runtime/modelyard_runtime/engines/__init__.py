"""The engines: one graph in, the files of a version folder out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modelyard.contract.choices import SUPPORTED_CANDIDATES, Candidate, Engine, Precision
from modelyard.contract.report import Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineBuilder:
    """How one engine is built at one precision.

    ``refusal`` says why a machine can't run it, or None. ``files_from_graph`` reads the exported graph at a path,
    writes the engine's files into a folder, and returns what its passes did (name -> how often).
    """

    refusal: Callable[[Machine], str | None]
    files_from_graph: Callable[[Path, Path], dict[str, int]]


def builder_of(candidate: Candidate) -> EngineBuilder | None:
    """Return the builder of a candidate, None for one that this version can't build."""
    from modelyard_runtime.engines import onnxruntime, openvino

    builders = {
        (Engine.ONNX_RUNTIME, Precision.FP32): onnxruntime.FP32,
        (Engine.ONNX_RUNTIME, Precision.INT8_WEIGHTS): onnxruntime.INT8_WEIGHTS,
        (Engine.OPENVINO, Precision.BF16): openvino.BF16,
    }
    return builders.get((candidate.engine, candidate.precision))


def anywhere(machine: Machine) -> str | None:  # noqa: ARG001 - the signature of a refusal
    """Refuse no machine."""
    return None


def unsupported(candidate: Candidate) -> str:
    """Say that this version has no such candidate, and which it has."""
    known = ", ".join(f"{known.engine} at {known.precision}" for known in SUPPORTED_CANDIDATES)
    return f"{candidate.engine} at {candidate.precision} is not built by this version; it builds {known}"
