"""One build and what may be around it, for tables: each function adds one fact."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from modelyard.api.build import ModelBuildSpec
from modelyard.api.status import ModelBuildStatus
from modelyard.contract.choices import Engine, Precision, Task
from modelyard.contract.report import (
    ArtifactRef,
    BuildReport,
    CandidateOutcome,
    CandidateReport,
    Figure,
    Latency,
    Machine,
    Parity,
    SourceReport,
    Speed,
    Stage,
)
from modelyard.contract.steps import BuildReason, Step, Termination
from modelyard.errors import SpecNotUnderstood
from modelyard.naming import API_VERSION
from modelyard.state.build import BuildDesired, BuildObserved, BuildPodView, ContainerEnd, Hit, JobView
from modelyard.state.objects import ObjectRef
from tests.modelyard.manifests.samples import build_spec
from tests.modelyard.planner.world import DEFAULTS

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NAME = "a" * 16
GIB = 1 << 30
PARTS = 5


def ref(kind: str, name: str) -> ObjectRef:
    """Return where an object is."""
    return ObjectRef(api_version="v1", kind=kind, namespace="n", name=name, uid=f"uid-{name}", resource_version="7")


def desired(*, spec: ModelBuildSpec | SpecNotUnderstood | None = None, **fields: Any) -> BuildDesired:
    """Return a build that one model owns and nothing was done for."""
    plain = BuildDesired(
        namespace="n",
        name=NAME,
        uid="uid-build",
        ref=replace(ref("ModelBuild", NAME), api_version=API_VERSION),
        generation=1,
        created_at=NOW - timedelta(minutes=1),
        owners=1,
        spec=spec or build_spec(),
        status=ModelBuildStatus(),
        deleting=False,
        defaults=DEFAULTS,
        push_config='{"auths": {}}',
    )
    return replace(plain, **fields)


def observed(**fields: Any) -> BuildObserved:
    """Return a world with nothing in it."""
    return replace(BuildObserved(now=NOW), **fields)


def job(attempt: int = 1, **fields: Any) -> JobView:
    """Return a Job that runs, with 4 GiB for the conversion."""
    name = f"{NAME}-{attempt}"
    plain = JobView(ref=ref("Job", name), attempt=attempt, memory_limit=4 * GIB, created_at=NOW)
    return replace(plain, **fields)


def pod(*ends: ContainerEnd, attempt: int = 1, **fields: Any) -> BuildPodView:
    """Return a pod of a Job, with containers that ended."""
    plain = BuildPodView(name=f"{NAME}-{attempt}-x", attempt=attempt, created_at=NOW, step=None, ends=ends)
    return replace(plain, **fields)


def ended(
    step: Step,
    exit_code: int = 0,
    reason: BuildReason | None = None,
    message: str = "",
    *,
    oom: bool = False,
    estimate: int | None = None,
) -> ContainerEnd:
    """Return a step that ended with a termination message."""
    words = Termination(step=step, reason=reason, message=message, memory_estimate_bytes=estimate)
    return ContainerEnd(name=step, exit_code=exit_code, oom=oom, message=words.to_json(), termination=words)


def without_words(name: str, exit_code: int, message: str = "", *, oom: bool = False) -> ContainerEnd:
    """Return a container that ended without a message of ours."""
    return ContainerEnd(name=name, exit_code=exit_code, oom=oom, message=message, termination=None)


def hit() -> Hit:
    """Return what the registry has."""
    artifact = ArtifactRef(repository=f"push.example.com/n/{NAME}", digest="sha256:" + "a" * 64, size=43_000_000)
    return Hit(artifact=artifact, report=report(artifact))


def report(artifact: ArtifactRef) -> BuildReport:
    """Return a report of one candidate that was chosen and one that was not."""
    figure = Figure(value=0.99961234567, lower=0.9995, upper=0.9997, samples=320)
    latency = Latency(
        batch=8,
        sequence=128,
        original_p50_ms=100.0,
        original_p95_ms=120.0,
        p50_ms=25.0,
        p95_ms=30.0,
        speedup=Figure(value=4.2, lower=4.0, upper=4.4, samples=40),
    )
    chosen = CandidateReport(
        engine=Engine.OPENVINO,
        precision=Precision.BF16,
        outcome=CandidateOutcome.CHOSEN,
        parity=Parity(dataset="built-in", figures={"p1Cosine": figure}),
        speed=Speed(threads=2, baseline="torch eager", latencies=(latency,)),
    )
    failed = CandidateReport(
        engine=Engine.ONNX_RUNTIME, precision=Precision.FP32, outcome=CandidateOutcome.FAILED, message="x" * 900
    )
    return BuildReport(
        name=NAME,
        key="a" * 64,
        source=SourceReport(
            kind="oci",
            ref="r",
            digest="sha256:" + PARTS * "5",
            architecture="BertModel",
            model_type="bert",
            task=Task.EMBEDDING,
            pooling="mean",
            parameters=22_000_000,
        ),
        engine=Engine.OPENVINO,
        precision=Precision.BF16,
        artifact=artifact,
        candidates=(chosen, failed),
        machine=Machine(cpu="a CPU", cores=2, memory=GIB, instruction_sets=("avx2",)),
        versions={"torch": "2"},
        images={"runtime": "runtime:1"},
        stages=(Stage(name="convert", seconds=3.0),),
        started_at=NOW,
        finished_at=NOW,
    )
