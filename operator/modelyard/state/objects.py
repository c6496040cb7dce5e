"""Kubernetes objects as values: their JSON, and what names one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

Manifest: TypeAlias = dict[str, Any]
"""A Kubernetes object as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRef:
    """One object as this pass read it. Writes and deletes carry uid and resource_version as preconditions."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: str
