"""A build on this machine: from a spec to a folder with the artifact's files and the report."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from modelyard import __version__
from modelyard.api.model import OptimizedModelSpec
from modelyard.contract.dataset import DatasetFile
from modelyard.contract.report import ArtifactRef, BuildReport
from modelyard.contract.request import BuildRequest, Destination, ParityGate
from modelyard.errors import ModelyardError
from modelyard.local.inputs import Inputs
from modelyard.local.steps import Steps, Tell
from modelyard.naming import build_name
from modelyard.oci.architecture import this_architecture
from modelyard.oci.artifact import ARTIFACT_TYPE, image_of
from modelyard.oci.layers import layers_of
from modelyard.planner.proof import Proof, proof_of
from modelyard.planner.resolution import build_snapshot, refusal
from modelyard.results import result_of
from modelyard.snapshot import build_key

MODEL_FOLDER = "model"
REPORT_FILE = "report.json"
NOWHERE = Destination(repository="", tag="")


class NotPossible(ModelyardError):
    """A build that can't begin. Says why, and the fix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What came out: ``folder`` holds ``model/``, a model's folder of a Triton repository, and ``report.json``."""

    folder: Path
    digest: str
    size: int
    report: BuildReport

    def proof(self, spec: OptimizedModelSpec) -> Proof:
        """Hold the spec's gates, as the operator would before any traffic."""
        artifact = ArtifactRef(repository="", digest=self.digest, size=self.size)
        return proof_of(spec, result_of(self.report, artifact, opt_batch=spec.optimization.shapes.batch.opt))


def check_free(output: Path) -> None:
    """Raise NotPossible if there is something where the build's result goes."""
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise NotPossible(f"{output} is there already, and nothing in it is overwritten; name another folder")


def build(spec: OptimizedModelSpec, inputs: Inputs, output: Path, tell: Tell) -> Built:
    """Fetch, convert, prove and measure. Raises NotPossible and BuildStopped.

    What was fetched stays beside ``output`` if the build is stopped, and the next one goes on there.
    """
    output = output.resolve()
    check_free(output)
    if refused := refusal(spec):
        raise NotPossible(refused.message)
    request = request_of(spec, inputs)
    scratch = output.with_name(f".{output.name}.{request.name}")
    Steps(scratch=scratch, tell=tell).run(request, inputs.dataset.data if inputs.dataset else b"")
    output.mkdir(parents=True, exist_ok=True)
    shutil.move(scratch / "out", output / MODEL_FOLDER)
    shutil.move(scratch / REPORT_FILE, output / REPORT_FILE)
    shutil.rmtree(scratch)
    return read_built(output)


def read_built(folder: Path) -> Built:
    """Return a build's result, its digest computed anew. Raises NotPossible for a folder that is none."""
    report = folder / REPORT_FILE
    if not report.is_file():
        raise NotPossible(f"{folder} has no {REPORT_FILE}; name the folder that `modelyard build` wrote")
    image = image_of(layers_of(folder / MODEL_FOLDER), ARTIFACT_TYPE, architecture=this_architecture())
    return Built(
        folder=folder,
        digest=image.digest,
        size=image.size,
        report=BuildReport.model_validate_json(report.read_text()),
    )


def request_of(spec: OptimizedModelSpec, inputs: Inputs) -> BuildRequest:
    """Return what a Job would be asked for this spec, but for where it pushes."""
    snapshot = build_snapshot(spec, inputs.pins, runtime_image=f"runtime:{__version__}")
    key = build_key(snapshot)
    return BuildRequest(
        name=build_name(key),
        key=key,
        source=inputs.source.files,
        adapters=inputs.adapter_files,
        task=snapshot.task,
        candidates=snapshot.candidates,
        objective=spec.optimization.objective,
        shapes=snapshot.shapes,
        parity=snapshot.parity or ParityGate(),
        dataset=DatasetFile.model_validate(snapshot.dataset.model_dump()) if snapshot.dataset else None,
        destination=NOWHERE,
    )
