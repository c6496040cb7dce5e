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
LAYER_PRODUCTS, ATTENTION_PRODUCTS = 6, 4
"""Of a layer: queries, keys, values and what is made of them, of like shape; then the two that widen and narrow."""


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
    """Exchange a middle layer's attention with that of the next: the first four of the six products of each."""
    weights = products(model)
    start = (len(weights) // LAYER_PRODUCTS // 2 - 1) * LAYER_PRODUCTS
    one, other = (weights[at : at + ATTENTION_PRODUCTS] for at in (start, start + LAYER_PRODUCTS))
    for a, b in zip(one, other, strict=True):
        first, second = numbers(a), numbers(b)
        set_to(a, second)
        set_to(b, first)


def last_product_off_by_a_tenth(model: ir.Model) -> None:
    """Scale the last layer's last product by a tenth too much."""
    weight = products(model)[-1]
    set_to(weight, numbers(weight) * TENTH_MORE)


def token_without_a_number(token: int, model: ir.Model) -> None:
    """Spoil a token's row of the vocabulary, as a product that overflows for rare inputs alone would."""
    tables = [node.inputs[0] for node in model.graph if node.op_type == "Gather"]
    vocabulary = max((table for table in tables if table and table.const_value), key=lambda table: numbers(table).size)
    matrix = numbers(vocabulary).copy()
    matrix[token] = np.nan
    set_to(vocabulary, matrix)


def head_off_by_a_tenth(model: ir.Model) -> None:
    """Scale a classifier's head by a tenth too much."""
    weight = head(model)
    set_to(weight, numbers(weight) * TENTH_MORE)


def tokens_answered_as_their_neighbours(model: ir.Model) -> None:
    """Give each token the answer of the one behind it, and the last token that of the first."""
    answer = model.graph.outputs[0]
    name, answer.name = answer.name, "answer_in_place"

    def part(start: int, end: int) -> ir.Value:
        bounds = [ir.tensor(np.array([number]), name=f"{start}_{end}_{number}") for number in (start, end, 1)]
        constants = [ir.node("Constant", [], {"value": bound}) for bound in bounds]
        sliced = ir.node("Slice", [answer, *(constant.outputs[0] for constant in constants)])
        model.graph.extend([*constants, sliced])
        return sliced.outputs[0]

    rolled = ir.node("Concat", [part(1, np.iinfo(np.int64).max), part(0, 1)], {"axis": 1})
    model.graph.append(rolled)
    model.graph.outputs[0] = rolled.outputs[0]
    rolled.outputs[0].name, rolled.outputs[0].type, rolled.outputs[0].shape = name, answer.type, answer.shape


def texts_of_a_pair_alike(model: ir.Model) -> None:
    """Give both texts of a pair the same token type, as a graph that doesn't read them would."""
    [types] = [
        node.inputs[0]
        for node in model.graph
        if node.op_type == "Gather" and node.inputs[1] is not None and node.inputs[1].name == "token_type_ids"
    ]
    assert types is not None
    set_to(types, np.repeat(numbers(types)[:1], 2, axis=0))


def head_negated(model: ir.Model) -> None:
    """Give the head's output the opposite sign."""
    weight = head(model)
    set_to(weight, -numbers(weight))


def head_in_reverse(model: ir.Model) -> None:
    """Give the head's labels in the opposite order."""
    weight = head(model)
    set_to(weight, numbers(weight)[::-1])


def numbers(value: ir.Value) -> Matrix:
    """Return a constant's numbers."""
    assert value.const_value is not None
    return value.const_value.numpy()
