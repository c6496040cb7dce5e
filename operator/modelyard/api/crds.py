"""The two CustomResourceDefinitions."""

from __future__ import annotations

from typing import Any

from modelyard.api.base import rule
from modelyard.api.build import ModelBuildSpec
from modelyard.api.model import OptimizedModelSpec
from modelyard.api.schema import structural_schema
from modelyard.api.status import ModelBuildStatus, OptimizedModelStatus
from modelyard.naming import BUILD_KIND, GROUP, MODEL_KIND, MODEL_NAME_LIMIT, VERSION

_MODEL_NAME = (
    "has({0}.spec.serving) && has({0}.spec.serving.modelName) ? {0}.spec.serving.modelName : {0}.metadata.name"
)

MODEL_RULES = [
    rule(
        f"size(self.metadata.name) <= {MODEL_NAME_LIMIT}",
        f"metadata.name may have at most {MODEL_NAME_LIMIT} characters, since names of other objects derive from it; "
        "choose a shorter one, and set serving.modelName to what clients shall call",
        field_path=".metadata",
    ),
    rule(
        "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        "metadata.name becomes a Service's name: start with a letter, then letters, digits and dashes, no dots",
        field_path=".metadata",
    ),
    rule(
        f"({_MODEL_NAME.format('self')}) == ({_MODEL_NAME.format('oldSelf')})",
        "serving.modelName never changes, since clients call it; make a new OptimizedModel with the new name",
        field_path=".spec.serving.modelName",
    ),
]

MODEL_COLUMNS = [
    ("PHASE", "string", ".status.phase", "Healthy, Progressing, Degraded or Suspended.", 0),
    ("STABLE", "string", ".status.stableRevision", "The revision that has the traffic.", 0),
    ("TARGET", "string", ".status.targetRevision", "The revision that is followed.", 0),
    ("WEIGHT", "integer", ".status.rollout.weight", "The target's share of the traffic, in percent.", 0),
    ("ENGINE", "string", ".status.engine", "What runs the graph.", 0),
    ("PRECISION", "string", ".status.precision", "Its number format.", 0),
    ("SPEEDUP", "string", ".status.speedup", "Times faster than the original, at the opt batch size.", 0),
    ("READY", "string", '.status.conditions[?(@.type=="Ready")].status', "Whether the spec is served as asked.", 0),
    ("AGE", "date", ".metadata.creationTimestamp", "Since when it exists.", 0),
    ("PODS", "integer", ".status.readyReplicas", "Pods of the stable revision that take requests.", 1),
    ("BUILD", "string", ".status.build", "The ModelBuild of the target.", 1),
    ("MESSAGE", "string", ".status.message", "The state in a sentence.", 1),
]

BUILD_COLUMNS = [
    ("PHASE", "string", ".status.phase", "Pending, Running, Succeeded or Failed.", 0),
    ("STEP", "string", ".status.step", "The step that runs.", 0),
    ("SOURCE", "string", ".status.source", "What is built.", 0),
    ("ENGINE", "string", ".status.result.engine", "What runs the graph.", 0),
    ("PRECISION", "string", ".status.result.precision", "Its number format.", 0),
    ("SPEEDUP", "string", ".status.result.speedup", "Times faster than the original, at the opt batch size.", 0),
    ("REASON", "string", ".status.reason", "Why it failed or waits.", 0),
    ("AGE", "date", ".metadata.creationTimestamp", "Since when it exists.", 0),
    ("JOB", "string", ".status.job", "The Job of the latest try.", 1),
    ("DIGEST", "string", ".status.result.artifact.digest", "sha256 of the artifact's manifest.", 1),
    ("MESSAGE", "string", ".status.message", "The state in a sentence.", 1),
]

SCALE = {
    "specReplicasPath": ".spec.serving.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".status.selector",
}


def crds() -> tuple[dict[str, Any], ...]:
    """Return both definitions, as objects."""
    model = _crd(
        kind=MODEL_KIND,
        plural="optimizedmodels",
        short="om",
        description="A model, the precision wanted, the proof required and how it is served.",
        spec=structural_schema(OptimizedModelSpec, defaults=True),
        status=structural_schema(OptimizedModelStatus, defaults=False),
        columns=MODEL_COLUMNS,
        subresources={"status": {}, "scale": SCALE},
    )
    model["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["x-kubernetes-validations"] = MODEL_RULES
    build = _crd(
        kind=BUILD_KIND,
        plural="modelbuilds",
        short="mb",
        description="One conversion of a model, named by the digest of its inputs. Made by the operator.",
        spec=structural_schema(ModelBuildSpec, defaults=True),
        status=structural_schema(ModelBuildStatus, defaults=False),
        columns=BUILD_COLUMNS,
        subresources={"status": {}},
    )
    return model, build


def _crd(
    *,
    kind: str,
    plural: str,
    short: str,
    description: str,
    spec: dict[str, Any],
    status: dict[str, Any],
    columns: list[tuple[str, str, str, str, int]],
    subresources: dict[str, Any],
) -> dict[str, Any]:
    """Return one definition."""
    schema = {
        "type": "object",
        "description": description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": "Version of this schema."},
            "kind": {"type": "string", "description": "Name of this type."},
            "metadata": {"type": "object"},  # the API server allows no description here
            "spec": spec,
            "status": status,
        },
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": subresources,
        "additionalPrinterColumns": [
            {"name": name, "type": kind_, "jsonPath": path, "description": text, "priority": priority}
            for name, kind_, path, text, priority in columns
        ],
    }
    names = {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": plural,
        "singular": kind.lower(),
        "shortNames": [short],
        "categories": ["modelyard"],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }
