"""Base of what the operator stores in the cluster for its later versions to read."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Kept(BaseModel):
    """Base of what is stored: frozen, camelCase, unknown fields ignored (a newer version may have added them)."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, camelCase, absent fields left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
