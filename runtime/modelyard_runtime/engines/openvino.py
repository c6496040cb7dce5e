"""OpenVINO: fp32, and bf16 where the CPU has the instruction, its weights stored so."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import onnx_ir as ir

from modelyard_runtime.graph_from_torch import save_graph
from modelyard_runtime.passes.bfloat16 import stored_as_bfloat16
from modelyard_runtime.passes.guards import without_nan_guards

if TYPE_CHECKING:
    import openvino

MODEL_FILE = "model.xml"


def fp32_files(graph: Path, folder: Path) -> dict[str, int]:
    """Write the graph as it is, but for needless guards. Returns what the passes did, by name."""
    return _files(graph, folder, {})


def bf16_files(graph: Path, folder: Path) -> dict[str, int]:
    """Write the graph with its matrices stored as bfloat16. Returns what the passes did, by name."""
    return _files(graph, folder, {"BFloat16Matrices": stored_as_bfloat16})


def _files(graph: Path, folder: Path, passes: Mapping[str, Callable[[openvino.Model], int]]) -> dict[str, int]:
    """Write the graph after ``passes``, each of which returns how many it changed."""
    import openvino

    model = ir.load(graph)
    guards = without_nan_guards(model)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        plain = Path(scratch) / "model.onnx"
        save_graph(model, plain)
        read = openvino.Core().read_model(plain)
        done = {name: run(read) for name, run in passes.items()}
        _name_by_place(read)
        # fp16 is what this saves by default; matrices are what the passes made of them, and the rest must stay.
        openvino.save_model(read, folder / MODEL_FILE, compress_to_fp16=False)
    return done | {"NanGuardsDropped": guards}


def _name_by_place(model: openvino.Model) -> None:
    """Name operators by their place: OpenVINO numbers them by how many the process has made before."""
    for place, operator in enumerate(model.get_ordered_ops()):
        if operator.get_type_name() not in {"Parameter", "Result"}:
            operator.set_friendly_name(f"{operator.get_type_name()}_{place}")
