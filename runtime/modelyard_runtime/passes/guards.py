"""Guards that our server makes needless."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes import common

NO_ROW_IS_EMPTY = "modelyard.no_row_is_empty"
"""Metadata of a graph: no attention has a row that is masked whole, once a text has a token."""


def without_nan_guards(graph: ir.Model) -> int:
    """Drop ``Where(IsNaN(p), 0, p)`` after softmax, in place. Returns how many.

    torch exports attention with it for rows that may see no token at all. The backend refuses texts without any, and
    the guard keeps OpenVINO from running softmax and scaling as one (9% of the time of a small encoder). Where a row
    sees its neighbours only, as padding far from the text does, it stays: one NaN in there would spread.
    """
    if graph.metadata_props.pop(NO_ROW_IS_EMPTY, None) is None:
        return 0
    count = 0
    for node in list(graph.graph):
        guard = node.inputs[0].producer() if node.op_type == "Where" and node.inputs[0] is not None else None
        kept = node.inputs[2] if guard is not None and guard.op_type == "IsNaN" else None
        if guard is not None and kept is not None and guard.inputs[0] is kept:
            ir.convenience.replace_all_uses_with(node.outputs[0], kept)
            count += 1
    common.RemoveUnusedNodesPass()(graph)
    return count
