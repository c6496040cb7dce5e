"""ONNX Runtime: fp32 with fused attention, and 8-bit weights."""

from __future__ import annotations

from pathlib import Path

import onnx_ir as ir

from modelyard_runtime.engines import EngineBuilder, anywhere
from modelyard_runtime.graph_from_torch import save_graph
from modelyard_runtime.passes.fuse import fused, fused_around_products
from modelyard_runtime.passes.weights8 import quantized_weights

GRAPH_FILE = "model.onnx"


def _fp32_files(graph: Path, folder: Path) -> dict[str, int]:
    model = ir.load(graph)
    layers = fused(model)
    save_graph(model, folder / GRAPH_FILE)
    return layers


def _int8_weights_files(graph: Path, folder: Path) -> dict[str, int]:
    model = ir.load(graph)
    layers = fused_around_products(model) | {"MatMulNBits": quantized_weights(model)}
    save_graph(model, folder / GRAPH_FILE)
    return layers


FP32 = EngineBuilder(refusal=anywhere, files_from_graph=_fp32_files)
INT8_WEIGHTS = EngineBuilder(refusal=anywhere, files_from_graph=_int8_weights_files)
