"""What builds came to."""

from __future__ import annotations

from datetime import UTC, datetime

from modelyard.api.status import ArtifactStatus, BuildResult, FigureStatus, LatencyStatus

FIGURES = {
    "p1Cosine": "0.9996",
    "neighboursKept": "0.99",
    "minCosine": "0.995",
    "batchInvariance": "0.99999",
    "nonFinite": "0",
    "greatestError": "0.004",
}


def figure(value: str, lower: str | None = None, upper: str | None = None) -> FigureStatus:
    """Return a figure, exact unless bounds are given."""
    return FigureStatus(value=value, lower=lower or value, upper=upper or value, samples=320)


def built(
    *,
    speedup: str = "4.2",
    digest: str = "sha256:" + "a" * 64,
    precision: str = "BF16",
    trained: bool = True,
    **figures: str,
) -> BuildResult:
    """Return the result of a good embedding build; ``figures`` replace its own."""
    latency = LatencyStatus(
        batch=8,
        sequence=128,
        original_p50="100",
        original_p95="120",
        p50="25",
        p95="30",
        speedup=figure(speedup),
    )
    return BuildResult(
        artifact=ArtifactStatus(repository="push.example.com/n/b", digest=digest, size=43_000_000),
        engine="OpenVINO",
        precision=precision,
        task="Embedding",
        architecture="BertModel",
        source_digest="sha256:" + "5" * 64,
        pooling="mean",
        trained=trained,
        dataset="built-in",
        speedup=speedup,
        figures={name: figure(value) for name, value in (FIGURES | figures).items()},
        latencies=[latency],
        finished_at=datetime(2026, 1, 2, 3, 0, tzinfo=UTC),
    )
