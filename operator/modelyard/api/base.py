"""What every type of the API shares: frozen, camelCase on the wire, unknown fields refused, every field described.

A field's description is the docstring below it; the CRD's schema is generated from these types (``schema.py``).
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class ApiModel(BaseModel):
    """Base of the CRD types."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
    )

    def to_dict(self) -> dict[str, Any]:
        """Return the object as the API server has it: camelCase, JSON values, absent fields left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def without_empty(value: object) -> object:
    """Return JSON without nulls, empty objects and empty lists, at any depth of objects."""
    if not isinstance(value, dict):
        return value
    inner = {key: without_empty(child) for key, child in value.items()}
    return {key: child for key, child in inner.items() if child not in (None, {}, [])}


def rule(expression: str, message: str, field_path: str | None = None) -> dict[str, str]:
    """Return one CEL validation. ``message`` says the fix."""
    where = {"fieldPath": field_path} if field_path else {}
    return {"rule": expression, "message": message} | where


def one_of(*members: str) -> dict[str, str]:
    """Return the CEL validation that exactly one of these fields is given."""
    given = ", ".join(f"has(self.{member})" for member in members)
    named = f"{', '.join(members[:-1])} or {members[-1]}"
    return rule(f"[{given}].filter(given, given).size() == 1", f"give exactly one source: {named}")


def rules(*validations: dict[str, str]) -> dict[str, Any]:
    """Return the schema extension that holds CEL validations."""
    return {"x-kubernetes-validations": list(validations)}


def map_by(*keys: str) -> dict[str, Any]:
    """Return the schema extension of a list that is a map by ``keys``."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


ATOMIC: dict[str, Any] = {"x-kubernetes-list-type": "atomic"}
OPAQUE: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

DURATION_PATTERN = r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"
_DURATION_UNITS = {"h": "hours", "m": "minutes", "s": "seconds", "ms": "milliseconds"}

_IS_DURATION = rule(
    f"self.matches('{DURATION_PATTERN}')",
    "must be a duration such as 90s, 15m or 1h30m: whole numbers with h, m, s or ms",
)
Duration = Annotated[str, Field(max_length=32, json_schema_extra=rules(_IS_DURATION))]
PositiveDuration = Annotated[
    str,
    Field(
        max_length=32,
        json_schema_extra=rules(_IS_DURATION, rule("self.matches('[1-9]')", "must be longer than nothing: give 15m")),
    ),
]

QUANTITY_PATTERN = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"

Quantity = Annotated[
    str | int,
    Field(
        json_schema_extra={
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "pattern": QUANTITY_PATTERN,
        }
    ),
]

Name = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]


def duration(text: str) -> timedelta:
    """Return the length of a duration such as ``1h30m``. Raises ValueError if ``text`` isn't one."""
    if not re.fullmatch(DURATION_PATTERN, text):
        message = f"{text!r} is not a duration such as 90s, 15m or 1h30m"
        raise ValueError(message)
    total = timedelta()
    for number, unit in re.findall(r"([0-9]+)(ms|h|m|s)", text):
        total += timedelta(**{_DURATION_UNITS[unit]: int(number)})
    return total


_QUANTITY_FACTORS = {
    "m": 1e-3,
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}


def quantity_bytes(quantity: str | int) -> int:
    """Return a Kubernetes quantity (``8Gi``, ``500M``, 1024) in bytes. Raises ValueError if it isn't one."""
    return int(quantity_number(quantity))


def quantity_number(quantity: str | int) -> float:
    """Return a Kubernetes quantity (``8Gi``, ``500m``, 2) as a number. Raises ValueError if it isn't one."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?", str(quantity))
    if match is None:
        message = f"{quantity!r} is not a quantity such as 8Gi or 500M"
        raise ValueError(message)
    return float(match[1]) * _QUANTITY_FACTORS[match[2] or ""]
