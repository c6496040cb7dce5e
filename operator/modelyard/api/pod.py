"""What a user may say about pods: resources, and an overlay of listed fields. Ours are applied last."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from modelyard.api.base import ATOMIC, OPAQUE, ApiModel, Name, Quantity, map_by, rule, rules

Opaque = Annotated[dict[str, Any], Field(json_schema_extra=OPAQUE)]


class ResourcesSpec(ApiModel):
    """Compute resources of a container."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.requests) || !has(self.limits) || ['cpu', 'memory'].all(name, !(name in self.requests) ||"
                " !(name in self.limits) ||"
                " quantity(string(self.requests[name])).compareTo(quantity(string(self.limits[name]))) <= 0)",
                "a request is above its limit: lower the request or raise the limit",
                ".requests",
            )
        )
    )

    requests: Annotated[dict[str, Quantity], Field(max_length=16)] = Field(default_factory=dict)
    """What is reserved: cpu, memory and so on."""
    limits: Annotated[dict[str, Quantity], Field(max_length=16)] = Field(default_factory=dict)
    """What is never exceeded."""


class LocalSecret(ApiModel):
    """A Secret in the model's namespace."""

    name: Name
    """Name of the Secret."""


class EnvVar(ApiModel):
    """One environment variable, by value."""

    name: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    """Name of the variable."""
    value: Annotated[str, Field(max_length=4096)] = ""
    """Its value."""


class PodOverlay(ApiModel):
    """Fields of the pod that are yours. Security, volumes, probes and our labels are not."""

    node_selector: Annotated[dict[str, str], Field(max_length=32)] = Field(default_factory=dict)
    """Labels that a node must have."""
    tolerations: Annotated[list[Opaque], Field(max_length=32, json_schema_extra=ATOMIC)] = Field(default_factory=list)
    """Taints that the pod tolerates, as in a Pod."""
    affinity: Opaque | None = None
    """Affinity, as in a Pod."""
    topology_spread_constraints: Annotated[list[Opaque], Field(max_length=16, json_schema_extra=ATOMIC)] = Field(
        default_factory=list
    )
    """Spreading over zones and nodes, as in a Pod. Replaces ours where given."""
    priority_class_name: Name | None = None
    """PriorityClass of the pod."""
    runtime_class_name: Name | None = None
    """RuntimeClass of the pod."""
    service_account_name: Name | None = None
    """ServiceAccount of the pod. Its token is never mounted."""
    image_pull_secrets: Annotated[list[LocalSecret], Field(max_length=16, json_schema_extra=map_by("name"))] = Field(
        default_factory=list
    )
    """Secrets for pulling images."""
    labels: Annotated[dict[str, str], Field(max_length=32)] = Field(default_factory=dict)
    """Labels of the pod. Ours win."""
    annotations: Annotated[dict[str, str], Field(max_length=32)] = Field(default_factory=dict)
    """Annotations of the pod. Ours win."""
    env: Annotated[list[EnvVar], Field(max_length=64, json_schema_extra=map_by("name"))] = Field(default_factory=list)
    """Environment variables of the pod's main work. Ours win."""
