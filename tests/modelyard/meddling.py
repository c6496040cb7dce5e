"""Changing an object as somebody else does."""

from __future__ import annotations

from typing import Any

from modelyard.apiserver import ApiServer
from modelyard.cluster import collection


async def changed_by_another(api: ApiServer, manifest: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Patch an object as kubectl does, and return it."""
    metadata = manifest["metadata"]
    path = f"{collection(manifest['kind'], metadata['namespace'])}/{metadata['name']}"
    content_type = "application/strategic-merge-patch+json"
    return await api.request("PATCH", path, body=patch, content_type=content_type, fieldManager="kubectl-patch")
