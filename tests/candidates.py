"""The candidates that this machine's CPU can run. The others are refused, and that is tested in their stead."""

from __future__ import annotations

import sys

from modelyard.contract.choices import SUPPORTED_CANDIDATES, Candidate, Engine, Precision
from modelyard_runtime.engines import refusal_of
from modelyard_runtime.machine import this_machine

FP32 = Candidate(engine=Engine.ONNX_RUNTIME, precision=Precision.FP32)
OPENVINO_FP32 = Candidate(engine=Engine.OPENVINO, precision=Precision.FP32)
INT8_WEIGHTS = Candidate(engine=Engine.ONNX_RUNTIME, precision=Precision.INT8_WEIGHTS)
BF16 = Candidate(engine=Engine.OPENVINO, precision=Precision.BF16)

MACHINE = this_machine()
REFUSED_HERE = {candidate: refusal_of(candidate, MACHINE) for candidate in SUPPORTED_CANDIDATES}
HERE = tuple(candidate for candidate, refusal in REFUSED_HERE.items() if refusal is None)
FASTER = BF16 if BF16 in HERE else FP32
"""What is asked for by name where one is as good as another. Either is faster than the original on every CPU that has
it; 8-bit weights without VNNI are not (0.69 times, batch 8), and a gate holds them back."""


def told() -> str:
    """Say which candidates a test run builds, and why it leaves out the others."""
    built = ", ".join(f"{candidate.engine} {candidate.precision}" for candidate in HERE)
    refused = [f"{candidate.engine} {candidate.precision}: {why}" for candidate, why in REFUSED_HERE.items() if why]
    return "; ".join([f"candidates: {built}", *(f"refused here, {one}" for one in refused)])


if __name__ == "__main__":
    print(told())
    sys.exit(len(HERE) < len(SUPPORTED_CANDIDATES))
