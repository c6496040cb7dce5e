"""Who else wrote a part of an object that is ours alone.

The API server notes who wrote which field. Comparing values would be guessing: it fills in defaults, and writes
quantities its own way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.naming import FIELD_MANAGER, ROUTES_ANNOTATION
from modelyard.state.objects import Manifest

OURS_ALONE: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "ConfigMap": (("data",), ("metadata", "annotations", ROUTES_ANNOTATION)),
    "Deployment": (("spec", "template", "spec"), ("spec", "strategy")),
    "PodDisruptionBudget": (("spec",),),
    "Service": (("spec", "selector"), ("spec", "ports")),
}
"""Paths of what decides which code answers, where requests go and how many pods may be missing, by kind.

Not the number of pods, nor annotations: ``kubectl scale`` and ``kubectl rollout restart`` write those.
"""


def meddler(manifest: Manifest) -> str | None:
    """Return the field manager of somebody else who wrote such a part, None if nobody did."""
    return next((str(entry["manager"]) for _, entry in foreign_entries(manifest)), None)


def changed_parts(manifest: Manifest) -> tuple[tuple[str, ...], ...]:
    """Return the paths of such parts that somebody else wrote. The others are left as they are.

    A later version may make them differently, and would restart what runs.
    """
    entries = [entry for _, entry in foreign_entries(manifest)]
    paths = OURS_ALONE.get(manifest["kind"], ())
    return tuple(path for path in paths if any(_holds(entry.get("fieldsV1", {}), path) for entry in entries))


def foreign_entries(manifest: Manifest) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the entries of ``managedFields`` by which somebody else holds such a part, with their places."""
    paths = OURS_ALONE.get(manifest["kind"], ())
    for place, entry in enumerate(manifest["metadata"].get("managedFields") or []):
        if entry["manager"] != FIELD_MANAGER and any(_holds(entry.get("fieldsV1", {}), path) for path in paths):
            yield place, entry


def _holds(fields: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    for name in path:
        if f"f:{name}" not in fields:
            return False
        fields = fields[f"f:{name}"]
    return True
