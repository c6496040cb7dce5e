"""ONNX Runtime: fp32 with fused attention, and 8-bit weights."""

from __future__ import annotations

from pathlib import Path

import onnx_ir as ir

from modelyard_runtime.graph_from_torch import save_graph
from modelyard_runtime.passes.fuse import fused, fused_around_products
from modelyard_runtime.passes.weights8 import quantized_weights

GRAPH_FILE = "model.onnx"


def fp32_files(graph: Path, folder: Path) -> dict[str, int]:
    """Write the graph with its attention, normalisation and GELU fused. Returns what was fused, by name."""
    model = _loaded(graph)
    layers = fused(model)
    save_graph(model, folder / GRAPH_FILE)
    return layers


def int8_weights_files(graph: Path, folder: Path) -> dict[str, int]:
    """Write the graph with 8-bit weights in blocks. Returns what was fused and quantized, by name."""
    model = _loaded(graph)
    layers = fused_around_products(model) | {"MatMulNBits": quantized_weights(model)}
    save_graph(model, folder / GRAPH_FILE)
    return layers


def _loaded(graph: Path) -> ir.Model:
    """Return the exported graph without what it notes for other engines."""
    model = ir.load(graph)
    model.metadata_props.clear()
    return model
