"""OpenVINO at bf16: products in bfloat16 where the CPU has the instruction, weights stored so."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import onnx_ir as ir

from modelyard_runtime.graph_from_torch import save_graph
from modelyard_runtime.passes.bfloat16 import stored_as_bfloat16
from modelyard_runtime.passes.guards import without_nan_guards

if TYPE_CHECKING:
    import openvino

MODEL_FILE = "model.xml"


def bf16_files(graph: Path, folder: Path) -> dict[str, int]:
    """Write the graph with its matrices stored as bfloat16. Returns what the passes did, by name."""
    import openvino

    model = ir.load(graph)
    guards = without_nan_guards(model)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        plain = Path(scratch) / "model.onnx"
        save_graph(model, plain)
        read = openvino.Core().read_model(plain)
        matrices = stored_as_bfloat16(read)
        _name_by_place(read)
        # fp16 is what this saves by default; our matrices are bfloat16 already, and the rest must stay as it is.
        openvino.save_model(read, folder / MODEL_FILE, compress_to_fp16=False)
    return {"BFloat16Matrices": matrices, "NanGuardsDropped": guards}


def _name_by_place(model: openvino.Model) -> None:
    """Name operators by their place: OpenVINO numbers them by how many the process has made before."""
    for place, operator in enumerate(model.get_ordered_ops()):
        if operator.get_type_name() not in {"Parameter", "Result"}:
            operator.set_friendly_name(f"{operator.get_type_name()}_{place}")
