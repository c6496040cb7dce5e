"""Any report that can be read: whatever a build, or who forges one, might write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from hypothesis import strategies as st

from modelyard.contract.choices import Candidate, Engine, Objective, Precision, Task
from modelyard.contract.report import (
    ArtifactRef,
    Asked,
    BuildReport,
    CandidateOutcome,
    CandidateReport,
    Distribution,
    Figure,
    GateReport,
    Latency,
    Machine,
    Outcome,
    Parity,
    Quantile,
    Sense,
    SourceReport,
    Speed,
    Stage,
)

GATES = ("p1Cosine", "neighboursKept", "maxShift", "agreement", "nonFinite", "greatestError", "ofALaterVersion")

words = st.text(max_size=12) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "a|b`c`",
        "[x](javascript:y)",
        "</svg>",
        "&lt;",
        "\x00",
    ]
)
numbers = st.floats() | st.floats(0, 1) | st.floats(0, 1e-6)
counts = st.integers(0, 2**53 - 1)
figures = st.builds(Figure, value=numbers, lower=numbers, upper=numbers, samples=counts)
quantiles = st.builds(Quantile, share=st.sampled_from([0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0]), distance=numbers)
distributions = st.builds(
    Distribution, measure=words, samples=counts, quantiles=st.lists(quantiles, max_size=5).map(tuple)
)
parities = st.builds(
    Parity,
    dataset=words,
    caveat=words,
    figures=st.dictionaries(st.sampled_from(GATES), figures, max_size=4),
    reported=st.dictionaries(words, numbers, max_size=2),
    distribution=st.none() | distributions,
)
latencies = st.builds(
    Latency,
    batch=st.sampled_from([1, 8, 32]) | counts,
    sequence=counts,
    original_p50_ms=numbers,
    original_p95_ms=numbers,
    p50_ms=numbers,
    p95_ms=numbers,
    speedup=figures,
)
speeds = st.builds(Speed, threads=counts, baseline=words, latencies=st.lists(latencies, max_size=3).map(tuple))
gates = st.builds(
    GateReport,
    gate=st.sampled_from(GATES),
    sense=st.sampled_from(Sense),
    limit=numbers,
    outcome=st.sampled_from(Outcome),
)
ENGINES = [engine for engine in Engine if engine is not Engine.AUTO]
PRECISIONS = [precision for precision in Precision if precision is not Precision.AUTO]
CHOSEN = (CandidateOutcome.CHOSEN,)
OTHERS = (CandidateOutcome.SLOWER, CandidateOutcome.MISSED_PARITY, CandidateOutcome.FAILED)
ways = st.builds(Candidate, engine=st.sampled_from(ENGINES), precision=st.sampled_from(PRECISIONS))


def candidates(way: Candidate, outcomes: Sequence[CandidateOutcome]) -> st.SearchStrategy[CandidateReport]:
    """Return what became of one."""
    return st.builds(
        CandidateReport,
        engine=st.just(way.engine),
        precision=st.just(way.precision),
        outcome=st.sampled_from(outcomes),
        message=words,
        parity=st.none() | parities,
        gates=st.lists(gates, max_size=3).map(tuple),
        speed=st.none() | speeds,
        size=st.none() | counts,
        seconds=st.none() | numbers,
    )


@st.composite
def fields(draw: st.DrawFn) -> tuple[Candidate, tuple[CandidateReport, ...]]:
    """Draw some candidates, and which of them is chosen."""
    tried = draw(st.lists(ways, min_size=1, max_size=4, unique=True))
    chosen = draw(st.sampled_from(tried))
    found = [draw(candidates(way, CHOSEN if way == chosen else OTHERS)) for way in tried]
    return chosen, tuple(found)


@st.composite
def reports(draw: st.DrawFn) -> BuildReport:
    """Draw a report."""
    chosen, field = draw(fields())
    return BuildReport(
        name=draw(words),
        key=draw(words),
        source=draw(
            st.builds(
                SourceReport,
                kind=words | st.sampled_from(["oci", "huggingFace", "objectStore", "pvc"]),
                ref=words,
                digest=words,
                architecture=words,
                model_type=words,
                task=st.sampled_from(Task),
                pooling=st.none() | words,
                parameters=counts,
                trained=st.booleans(),
            )
        ),
        asked=draw(
            st.none()
            | st.builds(Asked, objective=st.sampled_from(Objective), batch=st.sampled_from([1, 8]), sequence=counts)
        ),
        engine=chosen.engine,
        precision=chosen.precision,
        artifact=draw(st.none() | st.builds(ArtifactRef, repository=words, digest=words, size=counts)),
        candidates=field,
        machine=draw(
            st.builds(
                Machine, cpu=words, cores=counts, memory=counts, instruction_sets=st.lists(words, max_size=2).map(tuple)
            )
        ),
        versions=draw(st.dictionaries(words, words, max_size=2)),
        images=draw(st.dictionaries(words, words, max_size=2)),
        stages=draw(st.lists(st.builds(Stage, name=words, seconds=numbers), max_size=3).map(tuple)),
        started_at=draw(st.datetimes(timezones=st.just(UTC))),
        finished_at=draw(st.datetimes(timezones=st.just(UTC))),
        peak_memory_bytes=draw(st.none() | counts),
    )
