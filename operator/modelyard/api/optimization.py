"""What to build: ``spec.optimization``."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from modelyard.api.base import ApiModel, rule, rules
from modelyard.contract.choices import Engine, Objective, Precision
from modelyard.contract.request import DEFAULT_LONGEST

DEFAULT_TYPICAL = 128
_ORDERED = rules(
    rule(
        f"self.opt <= (has(self.max) ? self.max : {DEFAULT_LONGEST})",
        f"the typical length is above the greatest: lower opt ({DEFAULT_TYPICAL} where it is unset) or raise max "
        f"({DEFAULT_LONGEST} where it is unset)",
    )
)


class BatchSpec(ApiModel):
    """Texts in one call."""

    opt: Annotated[int, Field(ge=1, le=4096)] = 8
    """The number to be fastest at; speed is measured here."""


class SequenceSpec(ApiModel):
    """Tokens in one text."""

    model_config = ConfigDict(json_schema_extra=_ORDERED)

    opt: Annotated[int, Field(ge=1, le=1048576)] = DEFAULT_TYPICAL
    """The length to be fastest at; speed is measured here, or at the greatest length of a model that has less."""
    max: Annotated[int | None, Field(ge=1, le=1048576)] = None
    """Greatest length of a text. Default 512, or as many positions as the model has if those are fewer."""


class ShapesSpec(ApiModel):
    """Sizes to optimize for."""

    batch: BatchSpec = BatchSpec()
    """Texts in one call."""
    sequence: SequenceSpec = SequenceSpec()
    """Tokens in one text."""


class OptimizationSpec(ApiModel):
    """What to build. ``Auto`` builds what the target can run and takes the fastest that keeps the answers."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!(self.engine == 'OpenVINO' && self.precision == 'FP8')",
                "OpenVINO never runs FP8; use precision BF16 with OpenVINO",
                ".precision",
            )
        )
    )

    engine: Engine = Engine.AUTO
    """What runs the converted graph."""
    precision: Precision = Precision.AUTO
    """The number format of the products and of the stored weights."""
    objective: Objective = Objective.THROUGHPUT
    """By what Auto takes the fastest: batches of shapes.batch.opt, or single requests."""
    shapes: ShapesSpec = ShapesSpec()
    """Sizes to optimize for."""
