"""A build's report, boiled down to what a ModelBuild's status keeps, and read back from there."""

from __future__ import annotations

from modelyard.api.status import ArtifactStatus, BuildResult, CandidateStatus, FigureStatus, LatencyStatus
from modelyard.contract.report import ArtifactRef, BuildReport, CandidateReport, Figure, Latency

_MESSAGE_LIMIT = 500


def result_of(report: BuildReport, artifact: ArtifactRef, *, opt_batch: int) -> BuildResult:
    """Return the essentials. Numbers become strings: nine significant digits, so that none is rounded past its gate."""
    chosen = report.chosen
    latencies = chosen.speed.latencies if chosen.speed else ()
    return BuildResult(
        artifact=ArtifactStatus.model_validate(artifact.model_dump()),
        engine=report.engine,
        precision=report.precision,
        task=report.source.task,
        architecture=report.source.architecture,
        source_digest=report.source.digest,
        pooling=report.source.pooling,
        inputs=list(report.source.inputs),
        trained=report.source.trained,
        dataset=chosen.parity.dataset if chosen.parity else "",
        speedup=next((f"{found.speedup.value:.2f}" for found in latencies if found.batch == opt_batch), ""),
        figures={name: _figure(figure) for name, figure in (chosen.parity.figures if chosen.parity else {}).items()},
        latencies=[_latency(latency) for latency in latencies],
        candidates=[_candidate(candidate) for candidate in report.candidates],
        finished_at=report.finished_at,
    )


def figure_from(status: FigureStatus) -> Figure:
    """Return a figure as gates hold it."""
    return Figure(
        value=float(status.value), lower=float(status.lower), upper=float(status.upper), samples=status.samples
    )


def figures_from(result: BuildResult) -> dict[str, Figure]:
    """Return the parity figures by gate."""
    return {name: figure_from(figure) for name, figure in result.figures.items()}


def latencies_from(result: BuildResult) -> tuple[Latency, ...]:
    """Return the latencies as gates hold them."""
    return tuple(
        Latency(
            batch=found.batch,
            sequence=found.sequence,
            original_p50_ms=float(found.original_p50),
            original_p95_ms=float(found.original_p95),
            p50_ms=float(found.p50),
            p95_ms=float(found.p95),
            speedup=figure_from(found.speedup),
        )
        for found in result.latencies
    )


def _figure(figure: Figure) -> FigureStatus:
    return FigureStatus(
        value=_number(figure.value), lower=_number(figure.lower), upper=_number(figure.upper), samples=figure.samples
    )


def _latency(latency: Latency) -> LatencyStatus:
    return LatencyStatus(
        batch=latency.batch,
        sequence=latency.sequence,
        original_p50=_number(latency.original_p50_ms),
        original_p95=_number(latency.original_p95_ms),
        p50=_number(latency.p50_ms),
        p95=_number(latency.p95_ms),
        speedup=_figure(latency.speedup),
    )


def _candidate(candidate: CandidateReport) -> CandidateStatus:
    return CandidateStatus(
        engine=candidate.engine,
        precision=candidate.precision,
        outcome=candidate.outcome,
        message=candidate.message[:_MESSAGE_LIMIT],
    )


def _number(value: float) -> str:
    return f"{value:.9g}"
