"""From pydantic types to the structural schema that a CustomResourceDefinition holds."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from modelyard.api.base import without_empty

Schema = dict[str, Any]

_DROPPED = ("title", "additionalProperties", "default", "$defs", "exclusiveMinimum")
"""A CRD's exclusiveMinimum is a boolean, as formerly: a rule says it instead."""


def structural_schema(model: type[BaseModel], *, defaults: bool) -> Schema:
    """Return ``model``'s schema: references inlined, null left out, defaults only where the API server may set them.

    Scalars keep their default; a block gets ``{}`` where something within it has one, so that the inner defaults take
    hold; maps and lists stay absent. ``defaults=False`` (a status) keeps none.
    """
    whole = model.model_json_schema(by_alias=True)
    return _structural(whole, whole.get("$defs", {}), defaults=defaults)


def _structural(node: Schema, definitions: dict[str, Schema], *, defaults: bool) -> Schema:
    """Return one node, resolved."""
    node = _resolved(node, definitions)
    result = {key: value for key, value in node.items() if key not in _DROPPED}
    if "x-kubernetes-int-or-string" in result:
        result.pop("type", None)
    if "description" in result:
        result["description"] = " ".join(result["description"].replace("``", "").split())
    if "properties" in node:
        result["properties"] = {
            name: _structural(child, definitions, defaults=defaults) for name, child in node["properties"].items()
        }
    if "items" in node:
        result["items"] = _structural(node["items"], definitions, defaults=defaults)
    if isinstance(node.get("additionalProperties"), dict):
        result["additionalProperties"] = _structural(node["additionalProperties"], definitions, defaults=defaults)
    if defaults and (default := _default(node, result)) is not None:
        result["default"] = default
    return result


def _resolved(node: Schema, definitions: dict[str, Schema]) -> Schema:
    """Return the node without ``$ref``, and without the null of an optional field. Its own words win."""
    while "$ref" in node or _is_optional(node):
        if "$ref" in node:
            target = definitions[node["$ref"].rsplit("/", 1)[1]]
        else:
            target = next(option for option in node["anyOf"] if option != {"type": "null"})
        node = target | {key: value for key, value in node.items() if key not in {"$ref", "anyOf"}}
    return node


def _is_optional(node: Schema) -> bool:
    return {"type": "null"} in node.get("anyOf", ())


def _default(node: Schema, result: Schema) -> object:
    """Return the default that the API server is to set, or None."""
    if result.get("type") == "object":
        if "properties" not in result:
            return None
        if node.get("default") is None:  # required, or one of several: never defaulted
            return None
        written = without_empty(node["default"])
        if written and written != _bare_default(result):
            return written
        if not any("default" in child for child in result["properties"].values()):
            return None
        # The API server holds a default against the rules of its own block before it fills in the inner ones.
        return _bare_default(result) if "x-kubernetes-validations" in result else {}
    default = node.get("default")
    return None if isinstance(default, list) else default


def _bare_default(result: Schema) -> object:
    """Return what the defaults within an object make of ``{}``."""
    inner = {}
    for name, child in result["properties"].items():
        if "default" in child:
            inner[name] = _bare_default(child) if child.get("type") == "object" else child["default"]
    return inner
