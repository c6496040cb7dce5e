"""The original as an ONNX graph with dynamic batch and sequence: the same bytes each time it is made."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import onnx_ir as ir
import torch

from modelyard.contract.steps import BuildReason
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.reference import Reference
from modelyard_runtime.passes.guards import NO_ROW_IS_EMPTY

OPSET = 20
WEIGHTS_FILE = "model.onnx.data"
INLINE_BYTES = 1024
"""Tensors up to this size stay in the graph's own file: constants that passes and engines fold."""


def graph_from_torch(reference: Reference) -> ir.Model:
    """Export a model with its pooling and normalisation. Raises BuildFailed (ConversionFailed)."""
    inputs = reference.description.inputs
    sizes = {0: "batch", 1: "sequence"}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns of operators of a torchvision that isn't there
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch's own internals, on every export
            program = torch.onnx.export(
                reference,
                tuple(torch.ones((2, 16), dtype=torch.int64) for _ in inputs),
                dynamo=True,
                input_names=inputs,
                output_names=["answer"],
                dynamic_shapes=dict.fromkeys(inputs, sizes),
                opset_version=OPSET,
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        raise BuildFailed(BuildReason.CONVERSION_FAILED, f"torch can't export this model: {error}") from error
    if program is None:
        raise BuildFailed(BuildReason.CONVERSION_FAILED, "torch exported nothing")
    graph = program.model
    _name_output(graph, reference.description.output)
    _strip(graph)
    if not reference.description.family.windowed:
        graph.metadata_props[NO_ROW_IS_EMPTY] = "true"
    return graph


def save_graph(graph: ir.Model, path: Path) -> None:
    """Write a graph with its weights apart, so that revisions that share the one share its layer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ir.save(graph, path, external_data=WEIGHTS_FILE, size_threshold_bytes=INLINE_BYTES)


def _name_output(graph: ir.Model, name: str) -> None:
    """Name the graph's answer. Inner values of that name (torch calls a lookup "embedding") make way first."""
    for node in ir.traversal.RecursiveGraphIterator(graph.graph):
        for value in node.outputs:
            if value.name == name:
                value.name = f"{name}_inner"
    graph.graph.outputs[0].name = name


def _strip(graph: ir.Model) -> None:
    """Drop what torch notes on every node: source lines with absolute paths, which differ from machine to machine."""
    graph.metadata_props.clear()
    graph.graph.metadata_props.clear()
    for node in ir.traversal.RecursiveGraphIterator(graph.graph):
        node.metadata_props.clear()
        node.doc_string = None
        for value in node.outputs:
            value.metadata_props.clear()
            value.doc_string = None
    for value in (*graph.graph.initializers.values(), *graph.graph.inputs, *graph.graph.outputs):
        value.metadata_props.clear()
        value.doc_string = None
