"""The engines: a version folder and a number of threads in, a function from tokens to answers out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from modelyard_runtime.backend.decision import Decision
from modelyard_runtime.backend.rows import Answers, Batch

Session: TypeAlias = Callable[[Batch], Answers]
"""int64 [batch, sequence] by the tensor's name -> float32 [batch, size], of tokens [batch, sequence, size]."""


class EngineUnavailable(RuntimeError):
    """This machine can't run what the build decided."""


def open_session(folder: Path, decision: Decision, threads: int) -> Session:
    """Load a version folder. Raises EngineUnavailable where this machine lacks what the precision needs."""
    opener = _OPENERS.get(decision.engine)
    if opener is None:
        message = f"engine {decision.engine!r} is not one of {', '.join(_OPENERS)}: this image is older than the build"
        raise EngineUnavailable(message)
    return opener(folder, decision, threads)


def _onnxruntime(folder: Path, decision: Decision, threads: int) -> Session:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads that spin take the cores from the other instances, and from whatever is measured beside.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])

    def answer(batch: Batch) -> Answers:
        result: Answers = session.run([decision.output], dict(batch))[0]
        return result

    return answer


_OPENVINO_HINTS = {"FP32": "f32", "BF16": "bf16"}


def _openvino(folder: Path, decision: Decision, threads: int) -> Session:
    import openvino

    core = openvino.Core()
    capabilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if decision.precision not in capabilities:
        message = (
            f"this CPU has no {decision.precision} instructions (it has {', '.join(sorted(capabilities))}): "
            f"place the pod on a node that has them, or build another precision"
        )
        raise EngineUnavailable(message)
    settings: dict[str, Any] = {
        # Never left to the default: it is bf16 wherever the CPU has it, whatever was proven.
        "INFERENCE_PRECISION_HINT": _OPENVINO_HINTS[decision.precision],
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
        "ENABLE_CPU_PINNING": False,  # two instances would be pinned to the same cores
    }
    request = core.compile_model(folder / "model.xml", "CPU", settings).create_infer_request()

    def answer(batch: Batch) -> Answers:
        results = request.infer(dict(batch), share_inputs=True)
        result: Answers = results[decision.output]
        return result

    return answer


_OPENERS: dict[str, Callable[[Path, Decision, int], Session]] = {
    "OnnxRuntime": _onnxruntime,
    "OpenVINO": _openvino,
}
