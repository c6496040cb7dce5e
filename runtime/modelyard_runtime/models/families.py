"""The architectures that can be built: encoders, and decoders that embed by their last token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from modelyard.contract.steps import BuildReason
from modelyard_runtime.errors import BuildFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A ``model_type`` and where transformers has it.

    ``layers`` and ``hidden`` name the fields of its config. Position ids begin after the padding id where
    ``offset_positions`` holds, so that many positions are lost. ``pooler`` tells whether the encoder takes
    ``add_pooling_layer``; ``attention`` is the implementation that transformers has of it. A ``decoder`` sees no
    token that comes later; what is ``windowed`` sees none that is far away, in some layers. ``token_types`` is how many
    kinds of tokens its config has where it doesn't say: two where the texts of a pair are told apart so.
    """

    model_type: str
    prefix: str  # of its class names
    layers: str = "num_hidden_layers"
    hidden: str = "hidden_size"
    offset_positions: bool = False
    pooler: bool = True
    attention: Literal["sdpa", "eager"] = "sdpa"
    decoder: bool = False
    windowed: bool = False
    token_types: int = 1

    @property
    def module(self) -> str:
        """Return the module of its classes."""
        folder = self.model_type.replace("-", "_")
        return f"transformers.models.{folder}.modeling_{folder}"

    @property
    def encoder(self) -> str:
        """Return the class without a head."""
        return f"{self.prefix}Model"

    def with_head(self, head: str) -> str:
        """Return the class with a head, ``ForSequenceClassification`` say."""
        return f"{self.prefix}{head}"

    def positions(self, config: dict[str, Any]) -> int:
        """Return how many tokens a text may have."""
        whole = int(config["max_position_embeddings"])
        return whole - int(config.get("pad_token_id", 1)) - 1 if self.offset_positions else whole


FAMILIES = {
    family.model_type: family
    for family in (
        Family(model_type="bert", prefix="Bert", token_types=2),
        Family(model_type="roberta", prefix="Roberta", offset_positions=True),
        Family(model_type="xlm-roberta", prefix="XLMRoberta", offset_positions=True),
        Family(model_type="distilbert", prefix="DistilBert", layers="n_layers", hidden="dim", pooler=False),
        Family(model_type="mpnet", prefix="MPNet", offset_positions=True, attention="eager"),
        Family(model_type="modernbert", prefix="ModernBert", pooler=False, windowed=True),
        Family(model_type="qwen3", prefix="Qwen3", pooler=False, decoder=True),
    )
}


def family_of(config: dict[str, Any]) -> Family:
    """Return the family of a config. Raises BuildFailed with the list of what is supported."""
    found = FAMILIES.get(config.get("model_type", ""))
    if found is None:
        named = config.get("model_type") or "one that its config.json does not name"
        raise BuildFailed(
            BuildReason.UNSUPPORTED_ARCHITECTURE,
            f"the model's architecture is {named}; this version builds {', '.join(FAMILIES)}",
        )
    return found
