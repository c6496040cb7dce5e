"""Names, labels and digests: every string that two objects must agree on.

A model's name has at most 40 characters, so that every name below stays within 63.
"""

from __future__ import annotations

import hashlib
import json

GROUP = "modelyard.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
MODEL_KIND = "OptimizedModel"
BUILD_KIND = "ModelBuild"

MODEL_LABEL = f"{GROUP}/model"
REVISION_LABEL = f"{GROUP}/revision"
BUILD_LABEL = f"{GROUP}/build"
COMPONENT_LABEL = f"{GROUP}/component"
ATTEMPT_LABEL = f"{GROUP}/attempt"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
NAME_LABEL = "app.kubernetes.io/name"
MANAGED_BY = "modelyard"

COMMAND_ANNOTATION = f"{GROUP}/command"
GENERATION_ANNOTATION = f"{GROUP}/generation"
SPEC_DIGEST_ANNOTATION = f"{GROUP}/spec-digest"
PROMOTED_ANNOTATION = f"{GROUP}/promoted"
SERVED_ANNOTATION = f"{GROUP}/served"
ROLLED_BACK_ANNOTATION = f"{GROUP}/rolled-back-by"
REJECTED_ANNOTATION = f"{GROUP}/rejected"
ARTIFACT_ANNOTATION = f"{GROUP}/artifact"
INPUTS_ANNOTATION = f"{GROUP}/inputs"
ROUTES_ANNOTATION = f"{GROUP}/routes"
VERIFIED_ANNOTATION = f"{GROUP}/routes-verified"
NUDGE_ANNOTATION = f"{GROUP}/configuration"

FIELD_MANAGER = "modelyard"

BUILD_COMPONENT = "build"
TRITON_COMPONENT = "triton"
PROXY_COMPONENT = "proxy"

PULL_CONTAINER = "pull"

MODEL_NAME_LIMIT = 40
BUILD_NAME_DIGITS = 16
REVISION_NAME_DIGITS = 8
RECORD_NAME_DIGITS = 10


def canonical_json(value: object) -> str:
    """Return JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: object) -> str:
    """Return the sha256 of ``value``'s canonical JSON, 64 hex digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def build_name(key: str) -> str:
    """Return a ModelBuild's name: the first 16 hex digits of its key."""
    return key[:BUILD_NAME_DIGITS]


def build_tag(build: str, attempt: int = 1) -> str:
    """Return the artifact's tag. An attempt after the first has one of its own, or the old bytes would answer."""
    return build if attempt == 1 else f"{build}-{attempt}"


def job_name(build: str, attempt: int) -> str:
    """Return the name of a build's Job, attempts of the Job counted from 1."""
    return f"{build}-{attempt}"


def request_name(build: str) -> str:
    """Return the name of the ConfigMap that carries the build's request."""
    return f"{build}-request"


def push_secret_name(build: str) -> str:
    """Return the name of the Secret that lets ``publish`` push."""
    return f"{build}-push"


def record_name(model: str, snapshot_digest: str) -> str:
    """Return the name of the ControllerRevision that holds a snapshot of this digest."""
    return f"{model}-{snapshot_digest[:RECORD_NAME_DIGITS]}"


def revision_object_name(model: str, revision: str) -> str:
    """Return the name of a revision's Deployment, headless Service, ConfigMap and PodDisruptionBudget."""
    return f"{model}-{revision}"


def revision_fallback_name(model: str, revision: str) -> str:
    """Return the name of the Service that answers for a revision while none of its pods is ready."""
    return f"{model}-{revision}-fallback"


def proxy_name(model: str) -> str:
    """Return the name of the proxy's Deployment, ConfigMap and PodDisruptionBudget."""
    return f"{model}-proxy"


def service_name(model: str) -> str:
    """Return the name of the public Service: the model's own."""
    return model


def owner_field_manager(model_uid: str) -> str:
    """Return the field manager under which one model holds its reference on a shared build."""
    return f"{FIELD_MANAGER}-owner-{model_uid}"


def service_host(service: str, namespace: str) -> str:
    """Return a Service's name within the cluster, without a cluster domain."""
    return f"{service}.{namespace}.svc"


def model_labels(model: str, component: str | None = None, revision: str | None = None) -> dict[str, str]:
    """Return the labels of a model's child."""
    labels = {MANAGED_BY_LABEL: MANAGED_BY, NAME_LABEL: model, MODEL_LABEL: model}
    return labels | model_selector_extras(component, revision)


def model_selector(model: str, component: str, revision: str | None = None) -> dict[str, str]:
    """Return the labels that select a model's pods: ours only, so that nobody else's can get in."""
    return {MODEL_LABEL: model} | model_selector_extras(component, revision)


def model_selector_extras(component: str | None, revision: str | None) -> dict[str, str]:
    """Return the labels that tell a model's children apart."""
    component_label = {COMPONENT_LABEL: component} if component else {}
    revision_label = {REVISION_LABEL: revision} if revision else {}
    return component_label | revision_label


def build_labels(build: str) -> dict[str, str]:
    """Return the labels of a build's child."""
    return {
        MANAGED_BY_LABEL: MANAGED_BY,
        NAME_LABEL: build,
        BUILD_LABEL: build,
        COMPONENT_LABEL: BUILD_COMPONENT,
    }
