"""Resolving a generation: everything that the spec leaves open, settled once and recorded."""

from __future__ import annotations

import math

from pydantic_core import to_jsonable_python

from modelyard.api.base import quantity_number
from modelyard.api.model import OptimizedModelSpec
from modelyard.contract.choices import SUPPORTED_CANDIDATES, SUPPORTED_TASKS, Candidate, Engine, Precision, Task
from modelyard.contract.dataset import NO_PAIRS
from modelyard.contract.request import ParityGate, Shapes
from modelyard.gates import GateNotApplicable, parity_for_task
from modelyard.kept import Kept
from modelyard.manifests.overlay import merged_resources
from modelyard.naming import canonical_json
from modelyard.pins import ArtifactPin, Pins
from modelyard.reasons import Reason
from modelyard.snapshot import BuildSnapshot, ServingSnapshot, Snapshot, build_key, snapshot_of, spec_digest
from modelyard.state.desired import Desired
from modelyard.state.observed import Record
from modelyard.state.plan import Finding, Truth
from modelyard.wording import listed

DEFAULT_INSTANCES = 2
MOST_INSTANCES = 256
"""What spec.serving.instances takes at most."""


def refusal(spec: OptimizedModelSpec) -> Finding | None:
    """Return why this version can't build what the spec asks for, None if it can."""
    if spec.task not in (Task.AUTO, *SUPPORTED_TASKS):
        known = listed(SUPPORTED_TASKS)
        return _refused(Reason.NOT_SUPPORTED_YET, f"spec.task {spec.task} is not supported yet; {known} are")
    if not candidates_of(spec):
        asked = (spec.optimization.engine, spec.optimization.precision)
        wanted = " ".join(word for word in asked if word not in {Engine.AUTO, Precision.AUTO})
        known = ", ".join(f"{c.engine} {c.precision}" for c in SUPPORTED_CANDIDATES)
        return _refused(Reason.NOT_SUPPORTED_YET, f"{wanted} is not supported yet; {known} are")
    if spec.gates.dataset and spec.task is Task.RERANKING:
        return _refused(Reason.GATE_NOT_APPLICABLE, NO_PAIRS)
    if spec.task is not Task.AUTO:
        try:
            parity_for_task(parity_gate(spec), spec.task)
        except GateNotApplicable as error:
            return _refused(Reason.GATE_NOT_APPLICABLE, str(error))
    return None


def candidates_of(spec: OptimizedModelSpec) -> tuple[Candidate, ...]:
    """Return what is to be tried, in order."""
    engine, precision = spec.optimization.engine, spec.optimization.precision
    return tuple(
        candidate
        for candidate in SUPPORTED_CANDIDATES
        if engine in (Engine.AUTO, candidate.engine) and precision in (Precision.AUTO, candidate.precision)
    )


def parity_gate(spec: OptimizedModelSpec) -> ParityGate:
    """Return the gate as the user set it."""
    return ParityGate.model_validate(spec.gates.parity.to_dict())


def resolved(want: Desired, spec: OptimizedModelSpec, pins: Pins, *, former: Snapshot | None = None) -> Snapshot:
    """Return the snapshot of this generation. The same build as that of the ``former`` one keeps its attempt."""
    build = build_snapshot(spec, pins, runtime_image=want.defaults.images.runtime)
    attempt = former.attempt if former and former.build_key == build_key(build) else 1
    return snapshot_of(build, _serving(want, spec), attempt=attempt, proxy_image=want.defaults.images.envoy)


def build_snapshot(spec: OptimizedModelSpec, pins: Pins, *, runtime_image: str) -> BuildSnapshot:
    """Return what decides the bytes of this spec's build."""
    if isinstance(pins.source, ArtifactPin):
        return BuildSnapshot(source=pins.source, task=spec.task, candidates=(), shapes=Shapes(), runtime_image="")
    candidates = candidates_of(spec)
    compete = len(candidates) > 1  # only then do the gate and the objective decide what is built
    return BuildSnapshot(
        source=pins.source,
        adapters=pins.adapters,
        task=spec.task,
        candidates=candidates,
        objective=spec.optimization.objective if compete else None,
        shapes=Shapes.model_validate(spec.optimization.shapes.to_dict()),
        parity=parity_gate(spec) if compete else None,
        dataset=pins.dataset,
        runtime_image=runtime_image,
    )


def answers(record: Record, want: Desired, spec: OptimizedModelSpec) -> bool:
    """Return whether a record is what this generation was resolved to."""
    return record.generation == want.generation or record.spec_digest == spec_digest(spec)


def outdated(want: Desired, spec: OptimizedModelSpec, record: Record) -> list[str]:
    """Return what the command refresh would change: the operator's settings moved on, and no model with them.

    What became of the source is not in it: nobody asks there until a refresh does. While another generation is to be
    resolved, or after a rollback, what differs is the spec's doing, and nothing is told.
    """
    if record.rolled_back_by or not answers(record, want, spec):
        return []
    old = record.snapshot
    pins = Pins(source=old.build.source, adapters=old.build.adapters, dataset=old.build.dataset)
    new = resolved(want, spec, pins, former=old)
    parts = ((old.build, new.build), (old.serving, new.serving))
    changes = [change for before, after in parts for change in _changes(before, after)]
    return changes + _change("proxy image", old.proxy_image, new.proxy_image)


def _changes(before: Kept, after: Kept) -> list[str]:
    """Return each field that differs, in words."""
    fields = type(before).model_fields
    return [
        change
        for name in fields
        for change in _change(name.replace("_", " "), getattr(before, name), getattr(after, name))
    ]


def _change(name: str, before: object, after: object) -> list[str]:
    return [] if before == after else [f"{name}: {_told(before)} -> {_told(after)}"]


def _told(value: object) -> str:
    """Return a value as a person writes it: a text as it is, everything else as JSON."""
    return value if isinstance(value, str) else canonical_json(to_jsonable_python(value, exclude_none=True))


def _serving(want: Desired, spec: OptimizedModelSpec) -> ServingSnapshot:
    defaults, serving = want.defaults, spec.serving
    return ServingSnapshot(
        model_name=serving.model_name or want.name,
        operator_image=defaults.images.operator,
        triton_image=defaults.images.triton,
        registry=defaults.registry.pull,
        plain_http=defaults.registry.plain_http,
        pull_secret=defaults.registry.pull_secret,
        resources=merged_resources(serving.resources, defaults.serving_resources),
        batching=serving.batching,
        instances=_instances(spec),
        pod=serving.pod,
        drain_seconds=defaults.drain_seconds,
        allow_insecure_server=defaults.allow_insecure_server,
    )


def _instances(spec: OptimizedModelSpec) -> int:
    """Return the number of copies: one a core that the user gives, for each runs on one thread."""
    serving = spec.serving
    if isinstance(serving.instances, int):
        return serving.instances
    cpu = serving.resources.limits.get("cpu", serving.resources.requests.get("cpu"))
    return DEFAULT_INSTANCES if cpu is None else min(max(1, math.ceil(quantity_number(cpu))), MOST_INSTANCES)


def _refused(reason: Reason, message: str) -> Finding:
    return Finding(truth=Truth.FALSE, reason=reason, message=message)
