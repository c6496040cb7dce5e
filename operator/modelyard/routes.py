"""Who gets the traffic: the one thing that a roll-out changes in the proxy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

WHOLE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """What a proxy is told. ``clusters``: the revisions it knows; ``weights``: their shares in percent.

    Weights sum to 100, or there are none: then no revision serves yet. Only a revision with a cluster has a weight.
    """

    clusters: tuple[str, ...] = ()
    weights: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError where the two don't fit."""
        if self.weights and sum(self.weights.values()) != WHOLE:
            raise ValueError(f"weights {dict(self.weights)} sum to {sum(self.weights.values())}, not {WHOLE}")
        if strangers := sorted(set(self.weights) - set(self.clusters)):
            raise ValueError(f"{', '.join(strangers)} has a weight and no cluster")
        if any(weight <= 0 for weight in self.weights.values()):
            raise ValueError(f"weights {dict(self.weights)} are not all above 0; leave out a revision without traffic")

    @property
    def holder(self) -> str | None:
        """Return the revision with the greatest share, or None if nobody has any."""
        return max(self.weights, key=lambda revision: self.weights[revision], default=None)

    def to_dict(self) -> dict[str, object]:
        """Return JSON values."""
        return {"clusters": list(self.clusters), "weights": dict(self.weights)}
