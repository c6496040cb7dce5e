"""The last step: the artifact and its report into the registry. Runs no code of the model's.

It has the registry's secret and reads what a step without one wrote: regular files alone, never a link, which might
lead to the secret.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pydantic import ValidationError

from modelyard.contract.files import strangers
from modelyard.contract.report import ArtifactRef, BuildReport
from modelyard.contract.request import BuildRequest
from modelyard.contract.steps import BuildReason
from modelyard.oci.architecture import this_architecture
from modelyard.oci.artifact import ARTIFACT_TYPE, CREATED, AttachedFile, Image, attach, attach_report, image_of, push
from modelyard.oci.client import Repository
from modelyard.oci.credentials import credentials_for
from modelyard.oci.errors import RegistryError
from modelyard.oci.layers import layers_of
from modelyard.oci.reasons import ARTIFACT_REASONS
from modelyard.oci.reference import Reference
from modelyard.report.html import html_of
from modelyard.report.lineage import LINEAGE_TYPE, PREDICATE_ANNOTATION, PREDICATE_TYPE, lineage_of
from modelyard.report.markdown import markdown_of
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.handover import Scratch
from modelyard_runtime.outage import Patience
from modelyard_runtime.progress import Advance, Journal


def run(request: BuildRequest, scratch: Scratch, journal: Journal) -> None:
    """Push what ``convert`` left, its digests computed anew, and tell where it is. Raises BuildFailed."""
    with journal.stage("digest"):
        report = _report(scratch.report)
        _check_regular(scratch.out)
        image = image_of(layers_of(scratch.out), ARTIFACT_TYPE, architecture=this_architecture())
    with journal.stage("push") as advance:
        patience = Patience.of_environment(journal)
        artifact = patience.wait_out(partial(pushed, request, image, report, advance))
    journal.log.update(artifact=artifact, source_digest=report.source.digest)


def pushed(request: BuildRequest, image: Image, report: BuildReport, advance: Advance) -> ArtifactRef:
    """Push an image and attach its evidence; what is there already is not sent again."""
    destination = request.destination
    artifact = ArtifactRef(repository=destination.repository, digest=image.digest, size=image.size)
    told = report.model_copy(update={"artifact": artifact})
    lineage, renderings = _lineage(request, told, artifact), _renderings(told)
    created = {CREATED: told.finished_at.isoformat()}
    sent = 0

    def count(bytes_sent: int) -> None:
        nonlocal sent
        sent += bytes_sent
        advance(sent / image.size)

    try:
        place = Reference.parse(f"{destination.repository}:{destination.tag}")
        credentials = credentials_for(place.registry)
        with Repository(place, plain_http=destination.plain_http, credentials=credentials) as repository:
            subject = push(repository, image, destination.tag, count)
            # The report last: an artifact that has one is whole, and no build is asked for again.
            attach(repository, subject, LINEAGE_TYPE, (lineage,), created | {PREDICATE_ANNOTATION: PREDICATE_TYPE})
            attached = attach_report(repository, subject, told.to_json().encode(), renderings, created)
    except RegistryError as error:
        raise BuildFailed(ARTIFACT_REASONS[type(error)], str(error)) from error
    return artifact.model_copy(update={"report": attached.digest})


def _lineage(request: BuildRequest, report: BuildReport, artifact: ArtifactRef) -> AttachedFile:
    return AttachedFile(name="lineage.json", media_type=LINEAGE_TYPE, content=lineage_of(request, report, artifact))


def _renderings(report: BuildReport) -> tuple[AttachedFile, ...]:
    """Return what people read of the report."""
    return (
        AttachedFile(name="report.md", media_type="text/markdown", content=markdown_of(report).encode()),
        AttachedFile(name="report.html", media_type="text/html", content=html_of(report).encode()),
    )


def _report(path: Path) -> BuildReport:
    """Return the report that ``convert`` left. What is in one that can't be read is not repeated."""
    if path.is_symlink() or not path.is_file():
        raise _nothing_to_push(f"{path.name} is missing")
    try:
        return BuildReport.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise _nothing_to_push(f"{path.name} is no report ({error.error_count()} errors)") from None


def _check_regular(folder: Path) -> None:
    """Raise BuildFailed unless there are files, all of them an artifact's, and else nothing but folders."""
    entries = list(folder.rglob("*"))
    odd = [path for path in (folder, *entries) if path.is_symlink() or not (path.is_file() or path.is_dir())]
    if odd:
        raise _nothing_to_push(f"{odd[0].name} is missing, a link or a special file")
    files = [path.relative_to(folder).as_posix() for path in entries if path.is_file()]
    if not files:
        raise _nothing_to_push(f"{folder.name} is empty")
    if strange := strangers(files):
        raise _nothing_to_push(f"{strange[0]} is no file of an artifact")


def _nothing_to_push(problem: str) -> BuildFailed:
    return BuildFailed(BuildReason.CONVERSION_FAILED, f"the conversion left no artifact to publish: {problem}")
