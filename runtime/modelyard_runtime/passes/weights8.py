"""Products with 8-bit weights in blocks along the summed axis: ONNX Runtime's ``MatMulNBits``.

The weights alone are rounded, each block with a scale and a zero point of its own. Activations get a scale a row, so
an answer does not depend on what else is in the batch (plain dynamic int8 has one scale a tensor, and does).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

BITS = 8
LEVELS = (1 << BITS) - 1
BLOCK = 32
INT8_PRODUCTS = 4  # MatMulNBits' accuracy_level: activations as int8, a scale a row and block
DOMAIN = "com.microsoft"


def quantized_weights(graph: ir.Model, *, block: int = BLOCK) -> int:
    """Replace every product with a constant matrix, in place. Returns how many."""
    count = 0
    for node in list(graph.graph):
        weight = _weight(node, block)
        if weight is not None:
            _replace(graph.graph, node, weight, block)
            count += 1
    graph.graph.opset_imports[DOMAIN] = 1
    unused = [name for name, value in graph.graph.initializers.items() if not value.uses()]
    for name in unused:
        del graph.graph.initializers[name]
    return count


def _weight(node: ir.Node, block: int) -> npt.NDArray[np.float32] | None:
    """Return the constant matrix [K, N] of a product, None for any other node or a K that blocks don't divide."""
    if node.op_type != "MatMul" or node.inputs[1] is None or node.inputs[1].const_value is None:
        return None
    weight = node.inputs[1].const_value.numpy()
    return weight if weight.ndim == 2 and weight.shape[0] % block == 0 else None  # noqa: PLR2004 - a matrix


def _replace(graph: ir.Graph, node: ir.Node, weight: npt.NDArray[np.float32], block: int) -> None:
    quantized, scales, zeros = blocks_of(weight, block)
    name = str(node.inputs[1].name) if node.inputs[1] is not None else ""
    inputs = [node.inputs[0]]
    for suffix, array in (("q8", quantized), ("scales", scales), ("zeros", zeros)):
        value = ir.val(f"{name}_{suffix}", const_value=ir.tensor(array, name=f"{name}_{suffix}"))
        if value.name not in graph.initializers:
            graph.register_initializer(value)
        inputs.append(graph.initializers[str(value.name)])
    sizes = {"K": weight.shape[0], "N": weight.shape[1], "bits": BITS, "block_size": block}
    product = ir.node(
        "MatMulNBits", inputs, sizes | {"accuracy_level": INT8_PRODUCTS}, domain=DOMAIN, name=node.name, num_outputs=1
    )
    answer, old = product.outputs[0], node.outputs[0]
    answer.shape, answer.type = old.shape, old.type
    ir.convenience.replace_nodes_and_values(graph, node, [node], [product], [old], [answer])


def blocks_of(
    weight: npt.NDArray[np.float32], block: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Round a matrix [K, N] to 8 bits. Returns uint8 [N, K/block, block], scales and zero points [N * K/block].

    w is about (q - zero) * scale. Each block's range is widened to hold 0, which is then exact.
    """
    K, N = weight.shape
    columns = weight.T.reshape(N, K // block, block)
    low = np.minimum(columns.min(axis=2), 0)
    high = np.maximum(columns.max(axis=2), 0)
    scales = ((high - low) / LEVELS).astype(np.float32)
    scales[scales == 0] = 1  # a block of zeros
    zeros = np.rint(-low / scales).astype(np.uint8)
    rounded = np.rint(columns / scales[..., None]) + zeros[..., None]
    return np.clip(rounded, 0, LEVELS).astype(np.uint8), scales.reshape(-1), zeros.reshape(-1)
