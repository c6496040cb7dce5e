"""What came of a model, in a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from examples.demo.ask import Answers
from examples.demo.follow import Followed
from examples.demo.kubectl import Object
from examples.demo.reference import cosines


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that the table tells. ``right`` is what PyTorch answers, float32 (texts, hidden)."""

    followed: Followed
    over_http: Answers
    over_grpc: Answers
    right: NDArray[np.float32]

    @property
    def least_cosine(self) -> float:
        """Return the worst agreement with PyTorch over both protocols."""
        return float(min(cosines(a.embeddings, self.right).min() for a in (self.over_http, self.over_grpc)))


def rows(outcome: Outcome) -> list[tuple[str, str]]:
    """Return names and values."""
    status = outcome.followed.model["status"]
    artifact = stable_artifact(status)
    parity = ", ".join(f"{name} {float(value):.6g}" for name, value in artifact["parity"].items())
    speedup = ", ".join(f"{value}x ({name})" for name, value in artifact["speedup"].items())
    return [
        ("phase", status["phase"]),
        ("engine", artifact["engine"]),
        ("precision", artifact["precision"]),
        ("parity", f"{parity} (of the build, 320 texts)"),
        ("", f"least cosine to PyTorch {outcome.least_cosine:.5f} (these sentences, both protocols)"),
        ("speedup", f"{speedup} over PyTorch float32 on the same threads"),
        ("artifact size", f"{artifact['size'] / 1e6:.1f} MB"),
        ("latency p50 / p95", f"HTTP {latency(outcome.over_http)}, gRPC {latency(outcome.over_grpc)}"),
        ("apply to Healthy", took(outcome.followed)),
    ]


def took(followed: Followed) -> str:
    """Return how long the model was on its way, where it was."""
    there = [stage.name for stage in followed.stages] == ["Healthy"]
    return "it was Healthy already" if there else f"{followed.seconds:.1f} s"


def stable_artifact(status: Object) -> Object:
    """Return the artifact that has the traffic."""
    artifacts: list[Object] = status["artifacts"]
    return next(a for a in artifacts if a["revision"] == status["stableRevision"])


def latency(answers: Answers) -> str:
    """Return the middle and the 95th percentile of the calls, in milliseconds."""
    p50, p95 = np.percentile(np.array(answers.seconds) * 1e3, [50, 95])
    return f"{p50:.1f} / {p95:.1f} ms"
