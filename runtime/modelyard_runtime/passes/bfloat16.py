"""Matrices stored as bfloat16 in an OpenVINO model: half the size, and what the products round to anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import openvino

LEAST_NUMBERS = 1024
MATRIX = 2


def stored_as_bfloat16(model: openvino.Model) -> int:
    """Replace constant matrices by bfloat16 ones that are widened where they are used, in place. Returns how many."""
    import openvino
    from openvino import opset13

    count = 0
    for node in model.get_ordered_ops():
        wide = node.get_type_name() == "Constant" and node.get_element_type() == openvino.Type.f32
        if not wide or len(node.shape) != MATRIX or np.prod(node.shape) < LEAST_NUMBERS:
            continue
        tensor = openvino.Tensor(openvino.Type.bf16, node.shape)
        tensor.data.view(np.uint16)[...] = rounded(node.data)
        narrow = opset13.constant(tensor)
        widened = opset13.convert(narrow, "f32")
        narrow.set_friendly_name(f"{node.get_friendly_name()}/bf16")
        widened.set_friendly_name(node.get_friendly_name())
        for consumer in node.output(0).get_target_inputs():
            consumer.replace_source_output(widened.output(0))
        count += 1
    model.validate_nodes_and_infer_types()
    return count


def rounded(numbers: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """Return the bits of float32 numbers rounded to bfloat16, ties to even."""
    bits = np.ascontiguousarray(numbers).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
