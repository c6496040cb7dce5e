"""Where pods go when nobody says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def spread_over_nodes(selector: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a preference for different nodes; one node alone still takes them all."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(selector)},
        }
    ]
