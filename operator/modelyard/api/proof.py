"""What a build must prove before it gets traffic: ``spec.gates``."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator

from modelyard.api.base import ApiModel, Duration, Name, rule, rules

_Share = Annotated[float, Field(ge=0, le=1)]


class ParitySpec(ApiModel):
    """How well answers must agree with the original's. Each figure is held by its one-sided 95% bound.

    A gate that the model's task has no figure for is refused; one that is absent has its task's default. Beside these,
    no answer may hold a NaN or an infinity (nonFinite), and untrained weights at FP32 must agree to 0.0001
    (greatestError): nobody can loosen that.
    """

    p1_cosine: _Share | None = None
    """Embedding: cosine to the original's embedding, 1st percentile over texts. Default 0.998, FP32 0.9999."""
    neighbours_kept: _Share | None = None
    """Embedding: share of a text's ten nearest neighbours that stay. Default 0.95, FP32 0.99."""
    min_cosine: _Share | None = None
    """Embedding: floor of the least cosine over all texts. Default 0.98, FP32 0.999."""
    agreement: _Share | None = None
    """Classification: share of texts that keep their class, or had none by a margin above 0.02. Default 0.99.

    TokenClassification: the same of tokens, without those that the tokenizer adds.
    """
    max_shift: _Share | None = None
    """Classification: greatest shift of a probability, 99th percentile over texts. Default 0.05, FP32 0.005.

    TokenClassification: the same over tokens.
    """
    logit_error: _Share | None = None
    """Classification: distance to the original's logits over their root mean square, 99th percentile.

    Default 0.05, FP32 0.005. TokenClassification: the same over tokens. Reranking: distance to the original's score
    over the standard deviation of its scores.
    """
    entity_f1: _Share | None = None
    """TokenClassification: F1 of the entities against the original's: same tokens, same kind. Default 0.99."""
    order_kept: _Share | None = None
    """Reranking: share of a question's pairs of passages that stay in their order. Default 0.98.

    Kept are also those that had none by a margin above 0.02 of the scores' standard deviation.
    """
    batch_invariance: _Share | None = None
    """Every task: how alike a text's answers alone and beside others are at worst. Default 0.9995.

    Embedding: their cosine. Classification and TokenClassification: 1 less the greatest shift of a probability.
    Reranking: 1 less the shift of a score over four standard deviations of the scores.
    """


class PerformanceSpec(ApiModel):
    """How fast the build must be at the opt shapes, beside the original in PyTorch on the same threads.

    Measured in the build: one instance on all of its cores, through the server over loopback. Latency as served depends
    on serving.instances, of one thread each, and on the load.
    """

    min_speedup: Annotated[float, Field(ge=0, le=1000)] = 1.0
    """Least speedup over the original, as measured in the build on all of its cores. 0 turns this gate off."""
    max_p95: Annotated[Duration | None, Field(alias="maxP95")] = None
    """Greatest 95th percentile of one call's latency, as measured in the build: one caller, all of its cores.

    What clients see depends on serving.instances and the load as well.
    """


class OnFailure(StrEnum):
    """What becomes of a build that misses a gate."""

    BLOCK = "Block"
    HOLD = "Hold"


_DATASET_KEY = "^[-._a-zA-Z0-9]+[.](txt|jsonl|csv)$"
_DATASET_KEY_FIX = "name a key that ends in .txt (a text a line), .jsonl (a JSON value a line) or .csv"


class ConfigMapKeyRef(ApiModel):
    """A key of a ConfigMap in the model's namespace."""

    name: Name
    """Name of the ConfigMap."""
    key: Annotated[
        str,
        Field(
            max_length=253,
            json_schema_extra=rules(
                rule(f"self.matches('{_DATASET_KEY}')", _DATASET_KEY_FIX),
            ),
        ),
    ]
    """Key within the ConfigMap; how it ends says what it is: .txt, .jsonl or .csv."""

    @field_validator("key")
    @classmethod
    def _is_a_key(cls, key: str) -> str:
        """Hold what the API server holds: a build without one makes a file of this name."""
        if not re.fullmatch(_DATASET_KEY, key):
            raise ValueError(_DATASET_KEY_FIX)
        return key


class DatasetSpec(ApiModel):
    """Texts of your own that the proof asks, in the place of the built-in ones. At least 460 different ones.

    They are pinned once a generation, by their digest. Once you changed them, the command refresh takes them anew.
    """

    config_map_ref: ConfigMapKeyRef
    """Where they are."""
    column: Annotated[str, Field(min_length=1, max_length=253)] = "text"
    """Column of a .csv, or member of a .jsonl's objects, that holds the text."""


class GatesSpec(ApiModel):
    """What a build must prove before it gets traffic."""

    dataset: DatasetSpec | None = None
    """Texts of your own to prove on. A model's answers to built-in text say little of yours."""
    parity: ParitySpec = ParitySpec()
    """Agreement with the original."""
    performance: PerformanceSpec = PerformanceSpec()
    """Speed beside the original."""
    on_failure: OnFailure = OnFailure.BLOCK
    """Block: a build that misses a gate is not started. Hold: it waits at weight 0 for the command promote."""
