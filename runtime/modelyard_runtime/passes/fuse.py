"""Attention, layer normalisation and GELU as the single operators that ONNX Runtime has for them."""

from __future__ import annotations

from collections import Counter

import onnx_ir as ir
from onnx_ir.passes import common as common_passes
from onnxscript.optimizer import optimize
from onnxscript.rewriter import ort_fusions, rewrite
from onnxscript.rewriter.ort_fusions import (
    bias_gelu,
    cos_sin_cache,
    erfgelu,
    gelu,
    mha,
    mha_bias,
    mha_scale,
    rms_normalization,
    rotary_embedding,
    sdpa,
    sdpa_via_mha,
    skip_normalization,
)
from onnxscript.rewriter.rules.common import _gemm_to_matmul_add

COUNTED = (
    "Attention",
    "MultiHeadAttention",
    "SkipLayerNormalization",
    "SimplifiedLayerNormalization",
    "SkipSimplifiedLayerNormalization",
    "RotaryEmbedding",
    "BiasGelu",
)


def fused(graph: ir.Model) -> dict[str, int]:
    """Fuse in place, products of query, key and value within ``Attention``. Returns how many there are of each."""
    ort_fusions.optimize_for_ort(graph, clear_metadata=True)
    return counted(graph)


def fused_around_products(graph: ir.Model) -> dict[str, int]:
    """Fuse in place but leave every product of a weight a node of its own, so that it can be quantized."""
    rewrite(graph, [_gemm_to_matmul_add.gemm_to_matmul_add_rule])
    common_passes.ShapeInferencePass()(graph)
    optimize(graph)
    erfgelu.fuse_erfgelu(graph)
    rms_normalization.fuse_rms_normalization(graph)
    skip_normalization.fuse_skip_layer_normalization(graph)
    skip_normalization.fuse_skip_rms_normalization(graph)
    rotary_embedding.fuse_rotary_embedding(graph)
    cos_sin_cache.fuse_cos_sin_cache(graph)
    sdpa.fuse_sdpa(graph, apply_shape_inference=True)
    mha.fuse_mha1(graph)
    mha.fuse_mha2(graph)
    mha_scale.fuse_mha_scale(graph)
    mha_bias.fuse_mha_bias(graph)
    gelu.fuse_gelu(graph)
    bias_gelu.fuse_bias_gelu(graph)
    sdpa_via_mha.replace_sdpa_by_mha(graph)  # what no other operator took: its own is known to nobody
    optimize(graph)
    common_passes.ClearMetadataAndDocStringPass()(graph)
    return counted(graph)


def counted(graph: ir.Model) -> dict[str, int]:
    """Return how many fused operators a graph has, without those that it has none of."""
    kinds = Counter(node.op_type for node in graph.graph)
    return {kind: kinds[kind] for kind in COUNTED if kinds[kind]}
