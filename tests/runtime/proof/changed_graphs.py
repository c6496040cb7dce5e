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


def head(model: ir.Model) -> ir.Value:
    """Return the matrix [labels, size] of a classifier's head, the last product with a bias."""
    weight = [node for node in model.graph if node.op_type == "Gemm"][-1].inputs[1]
    assert weight is not None
    return weight


def changed(graph: Path, target: Path, change: Callable[[ir.Model], None]) -> Path:
    """Return a copy of a graph that was changed."""
    model = ir.load(graph)
    change(model)
    save_graph(model, target)
    return target


def set_to(value: ir.Value, matrix: Matrix) -> None:
    """Give a constant another value."""
    value.const_value = ir.tensor(np.ascontiguousarray(matrix), name=value.name)


def layers_swapped(model: ir.Model) -> None:
    """Exchange one layer's attention with that of the next: six products a layer, the first four of like shape."""
    weights = products(model)
    one, other = weights[12:16], weights[18:22]
    for a, b in zip(one, other, strict=True):
        first, second = numbers(a), numbers(b)
        set_to(a, second)
        set_to(b, first)


def last_product_off_by_a_tenth(model: ir.Model) -> None:
    """Scale the last layer's last product by a tenth too much."""
    weight = products(model)[-1]
    set_to(weight, numbers(weight) * TENTH_MORE)


def head_off_by_a_tenth(model: ir.Model) -> None:
    """Scale a classifier's head by a tenth too much."""
    weight = head(model)
    set_to(weight, numbers(weight) * TENTH_MORE)


def head_in_reverse(model: ir.Model) -> None:
    """Give the head's labels in the opposite order."""
    weight = head(model)
    set_to(weight, numbers(weight)[::-1])


def numbers(value: ir.Value) -> Matrix:
    """Return a constant's numbers."""
    assert value.const_value is not None
    return value.const_value.numpy()
