"""Graphs with one thing wrong, as a bug in a pass or a mixed-up file would leave them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from modelyard_runtime.graph_from_torch import save_graph

Matrix = npt.NDArray[np.float32]
TENTH_MORE = np.float32(1.1)


def products(model: ir.Model) -> list[ir.Value]:
    """Return the constant matrices of every product, in the order in which they are applied."""
    weights = (node.inputs[1] for node in model.graph if node.op_type == "MatMul")
    return [weight for weight in weights if weight is not None and weight.const_value is not None]


def changed(graph: Path, target: Path, change: Callable[[list[ir.Value]], None]) -> Path:
    """Return a copy of a graph whose products were changed."""
    model = ir.load(graph)
    change(products(model))
    save_graph(model, target)
    return target


def set_to(value: ir.Value, matrix: Matrix) -> None:
    """Give a constant another value."""
    value.const_value = ir.tensor(np.ascontiguousarray(matrix), name=value.name)


def with_layers_swapped(weights: list[ir.Value]) -> None:
    """Exchange one layer's attention with that of the next: six products a layer, the first four of like shape."""
    one, other = weights[12:16], weights[18:22]
    for a, b in zip(one, other, strict=True):
        first, second = numbers(a), numbers(b)
        set_to(a, second)
        set_to(b, first)


def with_last_scale_off(weights: list[ir.Value]) -> None:
    """Scale the last product by a tenth too much."""
    set_to(weights[-1], numbers(weights[-1]) * TENTH_MORE)


def numbers(value: ir.Value) -> Matrix:
    """Return a constant's numbers."""
    assert value.const_value is not None
    return value.const_value.numpy()
