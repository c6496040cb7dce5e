"""ModelBuilds: made by POST, without owners. Each model adds its own reference under a field manager of its own."""

from __future__ import annotations

from typing import Any

from modelyard.api.build import ModelBuildSpec
from modelyard.naming import API_VERSION, BUILD_KIND, MANAGED_BY, MANAGED_BY_LABEL, build_name


def build_manifest(namespace: str, spec: ModelBuildSpec) -> dict[str, Any]:
    """Return the ModelBuild of these inputs."""
    return {
        "apiVersion": API_VERSION,
        "kind": BUILD_KIND,
        "metadata": {
            "name": build_name(spec.key),
            "namespace": namespace,
            "labels": {MANAGED_BY_LABEL: MANAGED_BY},
        },
        "spec": spec.to_dict(),
    }
